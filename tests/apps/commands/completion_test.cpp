#define CAF_SUITE apps.completion

#include <chrono>

#include <CLI/CLI.hpp>

#include "apps/orcon/help/completion.hpp"
#include "tests/support/program.hpp"

// What TAB offers: asked of the hidden command, and in real shells.
using namespace orcon::test;

namespace {

bool has(const program_result& r, const std::string& text) {
  return r.says(text);
}

/// The candidates for `orcon WORDS`, one a line, without their notes.
std::string offered(const bench& b, const std::string& words) {
  const auto r = b.run("orcon complete -- " + words + " | cut -f1");
  CAF_CHECK_EQUAL(r.code, 0);
  return r.out;
}

/// Whether a shell is here; says so if it is not.
bool is_here(const bench& b, const std::string& shell) {
  if (b.run("command -v " + shell).code == 0)
    return true;
  CAF_MESSAGE("skipped: there is no " << shell << " on this machine");
  return false;
}

/// What bash would offer for words; the last one is being typed.
std::string in_bash(const bench& b, const std::string& words, int last) {
  return b
    .run("source <(orcon completion bash); compopt() { :; }; "
         "COMP_WORDS=(orcon "
         + words + "); COMP_CWORD=" + std::to_string(last)
         + "; _orcon orcon; (( ${#COMPREPLY[@]} )) && printf \"%s\\n\" "
           "\"${COMPREPLY[@]}\"")
    .out;
}

void make_runs(const bench& b) {
  b.write("two.yaml", "version: 1\nname: two\ntasks:\n"
                      "  hash: { handler: noop, input: { fanout: 120 } }\n"
                      "  tidy up: { handler: noop }\n");
  CAF_CHECK_EQUAL(b.run("orcon exec -q two.yaml").code, 0);
}

} // namespace

CAF_TEST(commands options and fixed values) {
  const bench b;
  CAF_CHECK_EQUAL(offered(b, "ta"), "task\n");
  CAF_CHECK_EQUAL(offered(b, "task s"), "show\n");
  CAF_CHECK(has(b.run("orcon complete -- \"\""), "resume\t"));
  CAF_CHECK(!has(b.run("orcon complete -- \"\""), "\nman\t"));
  CAF_CHECK_EQUAL(offered(b, "task list --sta"), "--state\n");
  CAF_CHECK_EQUAL(offered(b, "task list --state FA"), "FAILED\n");
  CAF_CHECK_EQUAL(offered(b, "task list --state=FA"), "--state=FAILED\n");
  CAF_CHECK_EQUAL(offered(b, "task list -o j"), "json\njsonl\n");
  CAF_CHECK_EQUAL(offered(b, "-qo j"), "json\njsonl\n");
  CAF_CHECK_EQUAL(offered(b, "--color a"), "auto\nalways\n");
  CAF_CHECK_EQUAL(offered(b, "completion \"\""), "bash\nzsh\nfish\n");
  CAF_CHECK_EQUAL(offered(b, "event list --name task.s"),
                  "task.started\ntask.succeeded\ntask.stuck\n");
  // Flags take no value: what comes next is a command again.
  CAF_CHECK_EQUAL(offered(b, "-q --verbose ta"), "task\n");
  CAF_CHECK_EQUAL(offered(b, "--limit 5 --nonsense x task s"), "show\n");
}

CAF_TEST(what only the shell can list) {
  const bench b;
  CAF_CHECK_EQUAL(offered(b, "--db \"\""), ":files\n");
  CAF_CHECK_EQUAL(offered(b, "exec \"\""), ":files\n");
  CAF_CHECK_EQUAL(offered(b, "def lint a.yaml b"), ":files\n");
  CAF_CHECK_EQUAL(offered(b, "map --results \"\""), ":folders\n");
  CAF_CHECK_EQUAL(offered(b, "map -- sha"), ":commands\n");
  CAF_CHECK_EQUAL(offered(b, "map -k -- sha256sum x"), ":files\n");
  CAF_CHECK_EQUAL(offered(b, "map -k -j 2 sha"), ":commands\n");
  CAF_CHECK_EQUAL(offered(b, "map -k sha256sum -"), ":files\n");
  CAF_CHECK_EQUAL(offered(b, "exec a.yaml \"\""), "");
}

CAF_TEST(runs and tasks come from the database) {
  const bench b;
  make_runs(b);
  const auto id = b.run("orcon run list -o jsonl | cut -d\\\" -f4").out;
  CAF_CHECK_EQUAL(offered(b, "run show \"\""), "last\n" + id);
  CAF_CHECK(has(b.run("orcon complete -- run show \"\""), "\tSUCCEEDED  two"));
  CAF_CHECK_EQUAL(offered(b, "task list --run " + id.substr(0, 20)), id);
  CAF_CHECK_EQUAL(offered(b, "task show \"\""), "hash\ntidy up\n");
  CAF_CHECK_EQUAL(offered(b, "task show \"hash#12\""), "hash#12\nhash#120\n");
  CAF_CHECK_EQUAL(offered(b, "task show \"hash#121\""), "");
  CAF_CHECK_EQUAL(offered(b, "task show \"gone#1\""), "");
  CAF_CHECK_EQUAL(offered(b, "task show --run last h"), "hash\n");
  // The database of the line, of the environment, of the configuration file.
  b.run("mv orcon.db other.db");
  CAF_CHECK_EQUAL(offered(b, "run show \"\""), "");
  CAF_CHECK_EQUAL(offered(b, "run show --db other.db l"), "last\n");
  CAF_CHECK_EQUAL(offered(b, "run show --db=other.db l"), "last\n");
  CAF_CHECK(
    has(b.run("ORCON_DB=other.db orcon complete -- run show l"), "last"));
  b.write("c.yaml", "db: other.db");
  CAF_CHECK(has(b.run("env -u ORCON_DB orcon complete -- run show --config "
                      "c.yaml l"),
                "last"));
  // Nothing is created by asking, and nothing is said.
  b.write("junk.db", "dear diary");
  b.write("c.yaml", "oops: 1");
  CAF_CHECK_EQUAL(b.run("orcon complete -- run show --db junk.db l").out, "");
  CAF_CHECK_EQUAL(b.run("orcon complete -- --config c.yaml run show l").out,
                  "");
  CAF_CHECK(!fs::exists(b.folder / "orcon.db"));
}

CAF_TEST(bash) {
  const bench b;
  make_runs(b);
  CAF_CHECK_EQUAL(in_bash(b, "ta", 1), "task\n");
  CAF_CHECK_EQUAL(in_bash(b, "task list --state FA", 4), "FAILED\n");
  // bash takes --state=FA apart, and replaces what is behind the sign.
  CAF_CHECK_EQUAL(in_bash(b, "task list --state = FA", 5), "FAILED\n");
  CAF_CHECK_EQUAL(in_bash(b, "--color = ", 2), "auto\nalways\nnever\n");
  CAF_CHECK_EQUAL(in_bash(b, "task show h", 3), "hash\n");
  CAF_CHECK_EQUAL(in_bash(b, "task show t", 3), "tidy\\ up\n");
  CAF_CHECK_EQUAL(in_bash(b, "exec tw", 2), "two.yaml\n");
  CAF_CHECK(has({0, in_bash(b, "exec two.yaml --db or", 4)}, "orcon.db\n"));
  CAF_CHECK(has({0, in_bash(b, "map -- sha256s", 3)}, "sha256sum\n"));
}

CAF_TEST(zsh) {
  const bench b;
  if (!is_here(b, "zsh"))
    return;
  make_runs(b);
  // The completion system needs a terminal; its functions do not.
  b.write("try.zsh", R"(
words=(); compdef() { :; }; _files() { print files; }
_describe() { local name=$@[-1]; print -l -- "${(@P)name}"; }
compset() { return 1; }
source <(orcon completion zsh)
words=(orcon "$@"); CURRENT=$#words
_orcon
)");
  const auto offer = [&](const std::string& words) {
    return b.run("zsh -f try.zsh " + words).out;
  };
  CAF_CHECK_EQUAL(offer("task s"), "show:One task: input, output, error, "
                                   "events\n");
  CAF_CHECK_EQUAL(offer("task show h"), "hash:SUCCEEDED\n");
  CAF_CHECK_EQUAL(offer("task list --state FA"), "FAILED\n");
  CAF_CHECK_EQUAL(offer("exec \"\""), "files\n");
}

CAF_TEST(fish) {
  const bench b;
  if (!is_here(b, "fish"))
    return;
  make_runs(b);
  const auto offer = [&](const std::string& line) {
    return b
      .run("fish --no-config -c \"orcon completion fish | source; complete -C "
           "\\\"orcon "
           + line + "\\\"\"")
      .out;
  };
  CAF_CHECK(has({0, offer("task s")}, "show\tOne task"));
  CAF_CHECK_EQUAL(offer("task show h"), "hash\tSUCCEEDED\n");
  CAF_CHECK_EQUAL(offer("task list --state FA"), "FAILED\n");
  CAF_CHECK_EQUAL(offer("task list --state=FA"), "--state=FAILED\n");
  CAF_CHECK(has({0, offer("exec tw")}, "two.yaml"));
}
