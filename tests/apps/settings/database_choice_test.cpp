#define CAF_SUITE apps.database_choice

#include "tests/support/program.hpp"

// Which database a command works on when nobody names one.
using namespace orcon::test;

namespace {

/// A program without ORCON_DB, as most people call it.
const std::string orcon = "env -u ORCON_DB orcon ";

constexpr auto in_state = "state/orcon/orcon.db";

} // namespace

CAF_TEST(a map in any folder keeps its run in the state folder) {
  const bench b;
  const auto r = b.run(orcon + "map echo ::: a");
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK(r.says("in " + (b.folder / in_state).string()));
  CAF_CHECK_EQUAL(b.files(), "state\n");
  CAF_CHECK_EQUAL(b.run("stat -c %a state state/orcon").out, "700\n700\n");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs", in_state), "1\n");
  // Without the variable the folder is in the home folder.
  b.run("env -u XDG_STATE_HOME HOME=$PWD/home " + orcon + "map -q true ::: a");
  CAF_CHECK(fs::exists(b.folder / "home/.local/state/orcon/orcon.db"));
  b.run("XDG_STATE_HOME=relative HOME=$PWD/home2 " + orcon
        + "map -q true ::: a");
  CAF_CHECK(fs::exists(b.folder / "home2/.local/state/orcon/orcon.db"));
  b.verify(in_state);
}

CAF_TEST(find piped into a map sees no database) {
  const bench b;
  b.write("one", "");
  const auto r
    = b.run("find . -type f ! -name err | " + orcon + "map -q -k echo");
  CAF_CHECK_EQUAL(r.out, "./one\n");
  // Also where the database is in that folder, while it grows.
  b.run(orcon + "db init");
  const auto here = b.run("find . -type f | sort | grep -v state/ | " + orcon
                          + "map -k echo");
  CAF_CHECK(here.says("./one\n"));
  CAF_CHECK(!here.says("./orcon.db\n"));
  CAF_CHECK(here.says("files of orcon.db itself"));
  // What only looks like one is an input, and so is what was typed.
  b.run("mkdir other; touch other/orcon.db orcon.dbx");
  CAF_CHECK_EQUAL(b.run("printf 'other/orcon.db\\norcon.dbx\\n' | " + orcon
                        + "map -q -k echo")
                    .out,
                  "other/orcon.db\norcon.dbx\n");
  CAF_CHECK_EQUAL(b.run(orcon + "map -q -k echo ::: orcon.db").out,
                  "orcon.db\n");
}

CAF_TEST(a database in the folder goes before the one in the state folder) {
  const bench b;
  const auto made = b.run(orcon + "db init");
  CAF_CHECK_EQUAL(made.code, 0);
  CAF_CHECK(made.says("orcon.db was created"));
  CAF_CHECK(fs::exists(b.folder / "orcon.db"));
  const auto again = b.run(orcon + "db init");
  CAF_CHECK_EQUAL(again.code, 0);
  CAF_CHECK(again.says("orcon.db is there already"));
  CAF_CHECK(b.run(orcon + "map true ::: a").says("in orcon.db\n"));
  CAF_CHECK(!fs::exists(b.folder / "state"));
  CAF_CHECK_EQUAL(b.run(orcon + "db init -q -o jsonl --db new.db").out,
                  "{\"database\":\"new.db\",\"created\":true}\n");
  b.write("note.db", "dear diary");
  CAF_CHECK_EQUAL(b.run(orcon + "db init --db note.db").code, 7);
  CAF_CHECK_EQUAL(b.read("note.db"), "dear diary");
  // In use is there, too.
  CAF_CHECK_EQUAL(b.run(orcon + "map -q sleep ::: 1 & sleep 0.4; " + orcon
                        + "db init; echo $?; wait")
                    .out.substr(0, 2),
                  "0\n");
  b.verify();
}

CAF_TEST(every command looks in the same place) {
  const bench b;
  b.write("r.yaml", "tasks: { t: { handler: noop } }");
  const auto e = b.run(orcon + "exec r.yaml");
  CAF_CHECK(e.says("in " + (b.folder / in_state).string()));
  CAF_CHECK(b.run(orcon + "run list").says("SUCCEEDED"));
  CAF_CHECK(b.run(orcon + "db verify").says(in_state));
  CAF_CHECK(b.run(orcon + "complete -- run show l").says("last"));
  // Hints need not name what is found anyway.
  CAF_CHECK(!b.run(orcon + "run start r.yaml").says("--db"));
  CAF_CHECK(b.run("orcon run start r.yaml").says("--db orcon.db"));
}

CAF_TEST(old maps are deleted from the state folder and their space returns) {
  const bench b;
  b.run(orcon + "map -q -c 'head -c 300000 /dev/zero; : {}' ::: 1 2 3 4 5 6");
  b.write("r.yaml", "name: r\ntasks: { t: { handler: noop } }");
  b.run(orcon + "exec -q r.yaml");
  const auto size = fs::file_size(b.folder / in_state);
  CAF_CHECK(size > 2'000'000);
  b.run("sleep 0.05; " + orcon + "map -q --keep 10ms true ::: a");
  CAF_CHECK_EQUAL(b.ask("select name from runs order by created_at", in_state),
                  "r\nmap true\n");
  CAF_CHECK(fs::file_size(b.folder / in_state) < size / 4);
  b.verify(in_state);
  // The setting comes from the environment and the configuration file, too.
  b.run("sleep 0.05; ORCON_KEEP=10ms " + orcon + "map -q true ::: b");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs", in_state), "2\n");
  b.write("c.yaml", "keep: 10ms");
  b.run("sleep 0.05; " + orcon + "map -q --config c.yaml true ::: c");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs", in_state), "2\n");
  b.run("sleep 0.05; " + orcon + "map -q --keep forever true ::: d");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs", in_state), "3\n");
  const auto bad = b.run(orcon + "map --keep long true ::: a");
  CAF_CHECK_EQUAL(bad.code, 2);
  CAF_CHECK(bad.says("--keep: \"long\" is not a duration"));
  // A database that somebody named is theirs.
  b.run("orcon map -q true ::: a; sleep 0.05; orcon map -q --keep 10ms true "
        "::: b");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs"), "2\n");
}
