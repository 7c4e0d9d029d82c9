#define CAF_SUITE apps.end_to_end

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/wait.h>
#include <unistd.h>

#include <caf/test/unit_test.hpp>

// The real program on real files and processes: what a user types, what comes
// back, and what is on disk afterwards.
namespace {

namespace fs = std::filesystem;

struct result {
  int code = -1;
  std::string out; ///< stdout and, behind it, stderr
};

/// A folder of its own for each test, with `orcon` on the PATH.
struct bench {
  fs::path folder;

  bench() {
    static int number = 0;
    folder = fs::temp_directory_path()
             / ("orcon-e2e-" + std::to_string(::getpid()) + "-"
                + std::to_string(++number));
    fs::create_directories(folder);
  }
  ~bench() { fs::remove_all(folder); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream{folder / name} << text;
  }

  std::string read(const std::string& name) const {
    std::ifstream file{folder / name, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  result run(const std::string& line) const {
    const fs::path program{std::getenv("ORCON")};
    const auto command = "cd '" + folder.string() + "' && export PATH='"
                         + program.parent_path().string() + "':$PATH && { "
                         + line + "; } </dev/null 2>err";
    auto* pipe = ::popen(("bash -c '" + quoted(command) + "'").c_str(), "r");
    CAF_REQUIRE(pipe != nullptr);
    result r;
    std::array<char, 4096> buffer{};
    while (const auto n = std::fread(buffer.data(), 1, buffer.size(), pipe))
      r.out.append(buffer.data(), n);
    const auto status = ::pclose(pipe);
    r.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    r.out += read("err");
    return r;
  }

  void verify(const std::string& database = "orcon.db") const {
    const auto r = run("orcon db verify --db " + database);
    CAF_MESSAGE(r.out);
    CAF_CHECK_EQUAL(r.code, 0);
  }

private:
  static std::string quoted(const std::string& text) {
    std::string q;
    for (auto c : text)
      q += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return q;
  }
};

bool has(const result& r, const std::string& text) {
  return r.out.find(text) != std::string::npos;
}

} // namespace

CAF_TEST(map prints every output from arguments files and standard input) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("orcon map -q -k -- echo hi {} ::: a b c").out,
                  "hi a\nhi b\nhi c\n");
  b.write("list", "x y\nz");
  CAF_CHECK_EQUAL(b.run("orcon map -q -k -a list -- echo {#}:{}").out,
                  "1:x y\n2:z\n");
  CAF_CHECK_EQUAL(b.run("seq 3 | orcon map -q -k -- echo").out, "1\n2\n3\n");
  CAF_CHECK_EQUAL(b.run("ls *.spool 2>/dev/null").out, "");
  CAF_CHECK_EQUAL(b.run("orcon map --dry-run -- echo {} ::: 'a b'").out,
                  "echo 'a b'\n");
  b.verify();
}

CAF_TEST(a file of the user is never taken for a spool) {
  const bench b;
  b.write("my.spool", "one\ntwo\n");
  CAF_CHECK_EQUAL(b.run("orcon map -q -k -a my.spool -- echo").out,
                  "one\ntwo\n");
  CAF_CHECK_EQUAL(b.read("my.spool"), "one\ntwo\n");
}

CAF_TEST(a map that is killed three times is complete and repeats nothing) {
  const bench b;
  std::string list, want;
  for (int i = 1; i <= 60; ++i) {
    list += std::to_string(i) + "\n";
    want += "did " + std::to_string(i) + "\n";
  }
  b.write("list", list);
  const auto plain = std::string{"orcon map -q -k -j4 -a list -- sh -c 'sleep "
                                 "0.12; echo {} >> log; echo did {}'"};
  for (const auto* after : {"0.3", "0.35", "0.4"})
    CAF_CHECK_EQUAL(b.run("timeout -s KILL " + std::string{after} + " " + plain)
                      .code,
                    137);
  const auto last = b.run(plain);
  CAF_CHECK_EQUAL(last.code, 0);
  CAF_CHECK_EQUAL(last.out, want);
  b.verify();
  // Whatever ran twice had no result on disk the first time: each task has
  // one accepted result, and one attempt more for each lease it lost.
  CAF_CHECK_EQUAL(b.run("sqlite3 orcon.db \"select count(*) from events where "
                        "name='task.succeeded'\"")
                    .out,
                  "60\n");
  CAF_CHECK_EQUAL(b.run("sqlite3 orcon.db \"select count(*) from tasks where "
                        "child_index>0 and attempt<>1+lost_count\"")
                    .out,
                  "0\n");
  // The same line again prints the same, and runs nothing.
  const auto ran = b.read("log");
  CAF_CHECK_EQUAL(b.run(plain).out, want);
  CAF_CHECK_EQUAL(b.read("log"), ran);
}

CAF_TEST(Ctrl C keeps everything and resume goes on) {
  const bench b;
  const auto first = b.run("timeout -s INT --preserve-status 0.5 orcon map -j2 "
                           "-- sleep 0.{} ::: 1 2 1 2 1 2 1 2 1 2 1 2");
  CAF_CHECK_EQUAL(first.code, 130);
  CAF_CHECK(has(first, "orcon resume"));
  b.verify();
  CAF_CHECK_EQUAL(b.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(b.run("sqlite3 orcon.db \"select state,count(*) from tasks "
                        "group by 1\"")
                    .out,
                  "SUCCEEDED|13\n");
  b.verify();
}

CAF_TEST(a definition ends as the rules say) {
  const bench b;
  b.write("r.yaml", R"(
version: 1
name: rules
defaults: { retry: { delay: 5ms, jitter: none } }
tasks:
  retried:
    handler: exec
    input: { fanout: 4, argv: [sh, -c, 'test $ORCON_ATTEMPT -gt 1'] }
  hopeless:
    handler: exec
    max_retries: 2
    input: { argv: ["false"] }
  tolerant:
    handler: exec
    max_retries: 0
    tolerate: 50%
    input: { fanout: [0, 1], argv: [sh, -c, 'exit {item}'] }
  empty: { handler: noop, input: { fanout: 0 } }
  quick:
    handler: exec
    max_retries: 0
    on_failure: fail_fast
    input: { fanout: 50, argv: [sh, -c, 'sleep 0.02; exit 1'] }
)");
  CAF_CHECK_EQUAL(b.run("orcon exec r.yaml").code, 3);
  CAF_CHECK_EQUAL(
    b.run("sqlite3 orcon.db \"select name,state,retry_count,attempt from tasks "
          "where parent_task_id is null order by name\"")
      .out,
    "empty|SUCCEEDED|0|0\nhopeless|FAILED|2|3\nquick|FAILED|0|0\n"
    "retried|SUCCEEDED|0|0\ntolerant|SUCCEEDED|0|0\n");
  CAF_CHECK_EQUAL(b.run("sqlite3 orcon.db \"select state,retry_count,attempt,"
                        "count(*) from tasks where name like 'retried#%' group "
                        "by 1,2,3\"")
                    .out,
                  "SUCCEEDED|1|2|4\n");
  CAF_CHECK(b.run("sqlite3 orcon.db \"select state from tasks where name "
                  "like 'quick#%'\"")
              .out.find("CANCELLED")
            != std::string::npos);
  CAF_CHECK(has(b.run("orcon task failures"), "hopeless"));
  CAF_CHECK(has(b.run("orcon run show"), "FAILED"));
  b.verify();
}

CAF_TEST(a second engine is told who has the database) {
  const bench b;
  const auto r = b.run("orcon map -q -- sleep 1 ::: '' & sleep 0.5; "
                       "orcon map -- true ::: 1; code=$?; "
                       "orcon run list >/dev/null || exit 99; kill %1; "
                       "wait; exit $code");
  CAF_CHECK_EQUAL(r.code, 7);
  CAF_CHECK(has(r, "(pid "));
}

CAF_TEST(bad input is refused with its place and leaves nothing behind) {
  const bench b;
  b.write("a.json", "{\"tasks\": ");
  b.write("b.yaml", "tasks:\n  a: [1,\n");
  b.write("c.yaml", "tasks: { a: { handler: exec, color: red, input: { argv: "
                    "[ls] } } }\n");
  b.write("d.yaml", "tasks: { a: { handler: teleport } }\n");
  b.write("e.yaml", "tasks: { a: { handler: noop, timeout: 5 parsecs } }\n");
  b.write("f.yaml", "tasks:\n  - { name: a, handler: noop }\n"
                    "  - { name: a, handler: noop }\n");
  b.write("g.json", std::string(100'000, '['));
  b.write("h.yaml", "tasks: { a: { handler: noop, input: { fanout: "
                    "{ lines: gone.txt } } } }\n");
  const std::array<std::array<const char*, 2>, 8> wrong{{
    {"a.json", "a.json:1"},
    {"b.yaml", "b.yaml:"},
    {"c.yaml", "color"},
    {"d.yaml", "teleport"},
    {"e.yaml", "/tasks/a/timeout: \"5 parsecs\" is not a duration"},
    {"f.yaml", "/tasks/1"},
    {"g.json", "64"},
    {"h.yaml", "gone.txt"},
  }};
  for (const auto& [file, what] : wrong) {
    const auto r = b.run(std::string{"orcon exec "} + file);
    CAF_MESSAGE(r.out);
    CAF_CHECK_EQUAL(r.code, std::string{file} == "h.yaml" ? 5 : 2);
    CAF_CHECK(has(r, what));
  }
  CAF_CHECK(!fs::exists(b.folder / "orcon.db"));
  CAF_CHECK(!fs::exists(b.folder / "orcon.db.lock"));
  CAF_CHECK_EQUAL(b.run("orcon exec nowhere.yaml").code, 5);
  CAF_CHECK_EQUAL(b.run("orcon exec").code, 2);
  CAF_CHECK_EQUAL(b.run("orcon run show --db none.db").code, 5);
  CAF_CHECK(!fs::exists(b.folder / "none.db"));
}

CAF_TEST(files that are not ours stay as they are) {
  const bench b;
  b.write("text.db", "dear diary");
  b.run("sqlite3 cars.db 'create table cars(id)'");
  b.run("orcon map -q --db new.db -- true ::: 1");
  b.run("sqlite3 new.db 'pragma user_version=99'");
  const auto cars = b.read("cars.db");
  for (const auto* file : {"text.db", "cars.db", "new.db"}) {
    const auto line = std::string{"orcon map --db "} + file + " -- true ::: 2";
    CAF_CHECK_EQUAL(b.run(line).code, 7);
  }
  CAF_CHECK_EQUAL(b.read("text.db"), "dear diary");
  CAF_CHECK(b.read("cars.db") == cars);
}

CAF_TEST(json output is only json) {
  const bench b;
  b.run("orcon map -q -- true ::: 1 2 3");
  const auto top = b.run("orcon task list -o jsonl --limit 1");
  CAF_CHECK(has(top, "\"parent_task_id\":null"));
  CAF_CHECK(!has(top, "[null]"));
  CAF_CHECK_EQUAL(b.run("orcon task list -o jsonl --state succeeded | wc -l")
                    .out,
                  "4\n");
  CAF_CHECK_EQUAL(b.run("sqlite3 :memory: \"select json_valid('$(orcon run "
                        "list -o json)')\"")
                    .out,
                  "1\n");
  CAF_CHECK_EQUAL(b.run("orcon bench fanout --tasks 2000 -q -o json | grep -c "
                        "tasks_per_second")
                    .out,
                  "1\n");
}
