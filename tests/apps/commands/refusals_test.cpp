#define CAF_SUITE apps.refusals

#include "tests/support/program.hpp"

using orcon::test::bench;
namespace fs = std::filesystem;

// What cannot be worked is refused with an exit code and the place, and
// nothing is left behind.
namespace {

struct refused {
  std::string file; ///< name; its folder holds nothing else
  std::string content;
  int code;
  std::vector<std::string> says;
};

std::string task(const std::string& fields) {
  return "version: 1\ntasks:\n  a: { " + fields + " }\n";
}

std::string nested(int levels) {
  const auto n = static_cast<std::size_t>(levels);
  return std::string(n, '[') + std::string(n, ']');
}

std::vector<refused> definitions() {
  std::string many = "{\"tasks\":[0";
  for (int i = 0; i < 1'000'000; ++i)
    many += ",0";
  return {
    {"j.json",
     "{\n  \"tasks\": {\n    \"a\": { \"handler\": }\n  }\n}\n",
     2,
     {"j.json:3:"}},
    {"cut.json", "{\"tasks\": ", 2, {"cut.json:1"}},
    {"behind.json",
     "{\"tasks\":{\"a\":{\"handler\":\"noop\"}}}\nmore",
     2,
     {"behind.json:2:"}},
    {"y.yaml", "tasks:\n  a:\n    handler: noop\n   b: 1\n", 2, {"y.yaml:4:"}},
    {"cut.yaml", "tasks:\n  a: [1,\n", 2, {"cut.yaml:"}},
    {"bytes.json", "{\"tasks\":{\"a\xff\":{}}}", 2, {"bytes.json: ", "UTF-8"}},
    {"none.yaml", "", 2, {"none.yaml: "}},
    {"list.json", "[]", 2, {"list.json:1:1: /: must be an object"}},
    {"task.yaml",
     task("handler: noop, colour: red"),
     2,
     {"task.yaml:3:", "/tasks/a/colour: unknown field"}},
    {"top.yaml",
     "colour: red\n" + task("handler: noop"),
     2,
     {"top.yaml:1:1: /colour: unknown field"}},
    {"handler.yaml",
     task("handler: teleport"),
     2,
     {"handler.yaml:3:", "/tasks/a/handler: unknown handler \"teleport\""}},
    {"input.yaml", task("handler: exec"), 2, {"/tasks/a/input", "argv"}},
    {"delay.yaml",
     task("handler: noop, retry: { delay: 5 parsecs }"),
     2,
     {"delay.yaml:3:",
      "/tasks/a/retry/delay: \"5 parsecs\" is not a duration"}},
    {"timeout.yaml",
     task("handler: noop, timeout: -1s"),
     2,
     {"/tasks/a/timeout: \"-1s\" is not a duration"}},
    {"later.yaml",
     task("handler: noop, reduce: x"),
     2,
     {"/tasks/a/reduce", "not supported yet"}},
    {"twice.yaml",
     "tasks:\n  - { name: a, handler: noop }\n"
     "  - { name: a, handler: noop }\n",
     2,
     {"twice.yaml:3:", "/tasks/1/name: \"a\""}},
    {"key.yaml",
     "tasks:\n  a: { handler: noop }\n  a: { handler: noop }\n",
     2,
     {"key.yaml:3:", "duplicate key \"a\""}},
    {"key.json",
     "{\"tasks\":{\"a\":{},\n\"a\":{}}}",
     2,
     {"key.json:2:", "duplicate key \"a\""}},
    {"deep.json",
     "{\"tasks\":{\"a\":{\"handler\":\"noop\",\"input\":{\"x\":" + nested(80)
       + "}}}}",
     2,
     {"deep.json:1:", "64 levels"}},
    {"deep.yaml",
     task("handler: noop, input: { x: " + nested(80) + " }"),
     2,
     {"deep.yaml:3:", "64 levels"}},
    {"deeper.json", std::string(100'000, '['), 2, {"64 levels"}},
    {"long.yaml",
     "tasks: { " + std::string(201, 'n') + ": { handler: noop } }",
     2,
     {"long.yaml:1:", "max_name"}},
    {"large.yaml",
     task("handler: noop, input: { x: " + std::string(1 << 20, 'x') + " }"),
     2,
     {"/tasks/a/input", "max_input"}},
    {"many.json", many + "]}", 2, {"/tasks: ", "max_tasks"}},
    {"wide.yaml",
     task("handler: noop, input: { fanout: 1000000001 }"),
     2,
     {"/tasks/a/input/fanout", "max_width"}},
    {"less.yaml",
     task("handler: noop, input: { fanout: -1 }"),
     2,
     {"/tasks/a/input/fanout"}},
    {"nul.json",
     R"({"tasks": {"a": {"handler": "noop",
 "input": {"k": "a\u0000b"}}}})",
     2,
     {"nul.json:2:12: /tasks/a/input/k: must not contain NUL"}},
    {"nul_key.json",
     R"({"tasks": {"a": {"handler": "noop", "input": {"a\u0000b": 1}}}})",
     2,
     {"nul_key.json:1:37: /tasks/a/input: has a key that contains NUL"}},
    {"nul_end.json",
     std::string{R"({"tasks": {"a": {"handler": "noop"}}})"} + '\0' + "{}",
     2,
     {"nul_end.json:1:38: unexpected NUL byte"}},
    {"nul.yaml",
     task("handler: noop, input: { k: \"a\\0b\" }"),
     2,
     {"/tasks/a/input/k: must not contain NUL"}},
    {"gone.yaml",
     task("handler: noop, input: { fanout: { lines: gone } }"),
     5,
     {"/tasks/a/input/fanout", "gone: No such file"}},
    {"folder.yaml",
     task("handler: noop, input: { fanout: { lines: . } }"),
     2,
     {"/tasks/a/input/fanout", "not a regular file"}},
  };
}

std::vector<refused> dependencies() {
  return {
    {"unknown.yaml",
     task("handler: noop, after: [b]"),
     2,
     {"unknown.yaml:3:", "/tasks/a/after: unknown task \"b\""}},
    {"itself.yaml",
     task("handler: noop, after: a"),
     2,
     {"/tasks/a/after: \"a\" is the task itself"}},
    {"when.yaml",
     task("handler: noop, when: failed"),
     2,
     {"/tasks/a/when: has no meaning without \"after\""}},
    {"cycle.yaml",
     "tasks:\n  a: { handler: noop, after: b }\n"
     "  b: { handler: noop, after: [c] }\n  c: { handler: noop, after: a }\n",
     2,
     {"cycle.yaml:2:", "/tasks/a/after: a cycle: a -> b -> c -> a"}},
  };
}

} // namespace

CAF_TEST(bad definitions are refused with their place and leave nothing) {
  auto all = definitions();
  for (auto& wrong : dependencies())
    all.push_back(std::move(wrong));
  for (const auto& wrong : all) {
    const bench b;
    b.write(wrong.file, wrong.content);
    for (const auto* command : {"orcon exec ", "orcon run start "}) {
      const auto r = b.run(command + wrong.file);
      CAF_MESSAGE(r.out.substr(0, 300));
      CAF_CHECK_EQUAL(r.code, wrong.code);
      for (const auto& text : wrong.says)
        CAF_CHECK(r.says(text));
      CAF_CHECK_EQUAL(b.files(), wrong.file + "\n");
    }
    CAF_CHECK_EQUAL(b.run("orcon def lint " + wrong.file).code, wrong.code);
  }
}

CAF_TEST(a file above 64 MiB is refused unread) {
  const bench b;
  b.write("huge.json", "{}");
  fs::resize_file(b.folder / "huge.json", (64u << 20) + 1);
  const auto r = b.run("orcon exec huge.json");
  CAF_CHECK_EQUAL(r.code, 2);
  CAF_CHECK(r.says("huge.json: is larger than 64 MiB"));
  CAF_CHECK_EQUAL(b.files(), "huge.json\n");
}

CAF_TEST(what is missing is code 5 and nothing is created) {
  const bench b;
  for (const auto* line :
       {"exec nowhere.yaml", "def lint nowhere.yaml", "map -a nowhere -- echo",
        "run show", "run list", "task list", "event list", "db verify",
        "db check", "resume"}) {
    const auto r = b.run("orcon " + std::string{line});
    CAF_MESSAGE(line << ": " << r.out);
    CAF_CHECK_EQUAL(r.code, 5);
    CAF_CHECK_NOT_EQUAL(r.out, "");
    CAF_CHECK_EQUAL(b.files(), "");
  }
  for (const auto* line : {"", "exec", "fly", "map", "run show --colour x"})
    CAF_CHECK_EQUAL(b.run("orcon " + std::string{line}).code, 2);
  CAF_CHECK_EQUAL(b.files(), "");
}

CAF_TEST(a refused definition changes nothing in a database) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("orcon map -q -- true ::: 1 2").code, 0);
  const auto rows = [&] {
    return b.ask("select (select count(*) from runs),(select count(*) from "
                 "tasks),(select max(seq) from events)");
  };
  const auto before = rows();
  // Only when it is submitted does it show that a line is no text; by then the
  // names of the other task have been written to a spool.
  b.write("names.txt", "fine\n\xff\n");
  b.write("d.yaml", "tasks:\n"
                    "  a: { handler: noop, input: { fanout: { glob: '*' } } }\n"
                    "  b: { handler: noop, input: { fanout: { lines: "
                    "names.txt } } }\n");
  b.write("e.yaml", task("handler: noop, colour: red"));
  const auto files = b.files();
  for (const auto* file : {"d.yaml", "e.yaml", "nowhere.yaml"}) {
    const auto r = b.run("orcon exec " + std::string{file});
    CAF_MESSAGE(r.out);
    CAF_CHECK(r.code == 2 || r.code == 5);
  }
  CAF_CHECK(b.run("orcon exec d.yaml")
              .says("names.txt:2: the line is not "
                    "valid UTF-8"));
  CAF_CHECK_EQUAL(rows(), before);
  CAF_CHECK_EQUAL(b.files(), files);
  b.verify();
}

CAF_TEST(lists that cannot be used are told with their place) {
  const bench b;
  b.write("bytes.txt", "fine\n\xff\n");
  b.run("mkfifo pipe; head -c 1048577 /dev/zero | tr '\\0' a > long.txt");
  for (const auto& [file, says] :
       {std::pair{"bytes.txt", "bytes.txt:2: the line is not valid UTF-8"},
        std::pair{"pipe", "pipe is not a regular file"},
        std::pair{"long.txt",
                  "long.txt:1: the line is longer than 1048576 bytes"}}) {
    b.write("a.yaml", "tasks:\n  a:\n    handler: noop\n    input:\n      "
                      "fanout: { lines: "
                        + std::string{file} + " }\n");
    for (const auto* command : {"exec", "run start", "def lint"}) {
      const auto r
        = b.run("timeout 10 orcon " + std::string{command} + " a.yaml");
      CAF_MESSAGE(r.out);
      CAF_CHECK_EQUAL(r.code, 2);
      CAF_CHECK(r.says("a.yaml:5:"));
      CAF_CHECK(r.says("/tasks/a/input/fanout/lines: "));
      CAF_CHECK(r.says(says));
    }
  }
  CAF_CHECK_EQUAL(b.files(), "a.yaml\nbytes.txt\nlong.txt\npipe\n");
}

CAF_TEST(a pattern in a folder that is not there matches nothing) {
  const bench b;
  b.write("a.yaml", "tasks: { a: { handler: noop, input: { fanout: { glob: "
                    "'nodir/*' } } } }");
  CAF_CHECK_EQUAL(b.run("orcon exec -q a.yaml").code, 0);
  CAF_CHECK_EQUAL(b.run("orcon run report > r.html").code, 0);
  b.verify();
}

CAF_TEST(a run that is not accepted leaves no database) {
  const bench b;
  // Room for an empty database, none for this.
  const auto r = b.run("ulimit -f 120; seq 40000 | orcon map -q -- echo");
  CAF_CHECK_EQUAL(r.code, 7);
  CAF_CHECK_EQUAL(b.files(), "");
}

CAF_TEST(numbers that no integer holds are refused and not changed) {
  const bench b;
  b.write("a.json", R"({"tasks":{"a":{"handler":"noop",
"input":{"fanout":[1,18446744073709551616]}}}})");
  const auto r = b.run("orcon exec a.json");
  CAF_CHECK_EQUAL(r.code, 2);
  CAF_CHECK(r.says("a.json:2:"));
  CAF_CHECK(r.says("18446744073709551616 is out of range"));
  b.write("b.yaml", "tasks:\n  a: { handler: noop, input: { fanout: [1, "
                    "-9223372036854775809] } }\n");
  CAF_CHECK_EQUAL(b.run("orcon exec b.yaml").code, 2);
  b.write("c.yaml", "tasks: { a: { handler: noop, input: { fanout: { range: "
                    "[-9223372036854775808, 9223372036854775807, "
                    "9223372036854775807] } } } }");
  CAF_CHECK_EQUAL(b.run("orcon exec c.yaml").code, 2);
  CAF_CHECK_EQUAL(b.files(), "a.json\nb.yaml\nc.yaml\n");
}

CAF_TEST(a terminal does not obey what strangers write) {
  const bench b;
  b.write("a.json", "{\"\\u001b[31mred\\u0007\":1}");
  const auto r = b.run("orcon def lint a.json");
  CAF_CHECK_EQUAL(r.code, 2);
  CAF_CHECK(r.out.find('\x1b') == std::string::npos);
  CAF_CHECK(r.out.find('\x07') == std::string::npos);
}
