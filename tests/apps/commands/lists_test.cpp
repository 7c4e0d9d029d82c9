#define CAF_SUITE apps.lists

#include "tests/support/program.hpp"

using orcon::test::bench;
namespace fs = std::filesystem;

// Inputs are read once, at submission, into the database. What happens to the
// files afterwards does not matter, and every copy of the database has them.
namespace {

constexpr auto over_lines = R"(
name: lines
tasks:
  a: { handler: exec, input: { fanout: { lines: list }, argv: [echo, "{item}"] } }
)";

constexpr auto over_names = R"(
name: names
tasks:
  a: { handler: noop, input: { fanout: { glob: 'names/*' } } }
)";

std::string outputs(const bench& b, const std::string& database = "orcon.db") {
  return b.ask("select group_concat(json_extract(output,'$.stdout'),'') from "
               "tasks where name like 'a#%'",
               database);
}

} // namespace

CAF_TEST(a file that changes after the submission does not matter) {
  const bench b;
  b.write("d.yaml", over_lines);
  b.write("list", "one\ntwo\n");
  CAF_CHECK_EQUAL(b.run("orcon run start d.yaml").code, 0);
  b.write("list", "three\n");
  CAF_CHECK_EQUAL(b.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(outputs(b), "one\ntwo\n\n");
  b.verify();
}

CAF_TEST(a file that is gone after the submission does not matter) {
  const bench b;
  b.write("d.yaml", over_lines);
  b.write("list", "one\ntwo\n");
  CAF_CHECK_EQUAL(b.run("orcon run start d.yaml && rm list").code, 0);
  CAF_CHECK_EQUAL(b.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(outputs(b), "one\ntwo\n\n");
}

CAF_TEST(work on a backup takes nothing from the original) {
  const bench b;
  b.write("d.yaml", over_lines);
  b.write("list", "one\ntwo\n");
  CAF_CHECK_EQUAL(
    b.run("orcon run start d.yaml && orcon db backup copy.db").code, 0);
  fs::remove(b.folder / "list");
  CAF_CHECK_EQUAL(b.run("orcon resume -q --db copy.db").code, 0);
  CAF_CHECK_EQUAL(outputs(b, "copy.db"), "one\ntwo\n\n");
  CAF_CHECK_EQUAL(b.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(outputs(b), "one\ntwo\n\n");
  b.verify("copy.db");
  b.verify();
}

CAF_TEST(a folder that was moved still has its inputs) {
  const bench b;
  fs::create_directory(b.folder / "here");
  b.write("here/d.yaml", over_lines);
  b.write("here/list", "one\ntwo\n");
  CAF_CHECK_EQUAL(
    b.run("cd here && orcon run start d.yaml --db moved.db && cd .. && "
          "mv here there && rm there/list && mkdir here && cd there && "
          "orcon resume -q --db moved.db")
      .code,
    0);
  CAF_CHECK_EQUAL(outputs(b, "there/moved.db"), "one\ntwo\n\n");
}

CAF_TEST(a glob without matches succeeds without children) {
  const bench b;
  fs::create_directory(b.folder / "names");
  b.write("d.yaml", over_names);
  CAF_CHECK_EQUAL(b.run("orcon run start d.yaml").code, 0);
  CAF_CHECK_EQUAL(b.run("orcon resume -q").code, 0);
  CAF_CHECK_EQUAL(b.ask("select name,state from tasks"), "a|SUCCEEDED\n");
  b.verify();
}

CAF_TEST(a list that cannot be read refuses the submission) {
  const bench b;
  b.write("d.yaml", over_lines);
  fs::create_directory(b.folder / "list");
  const auto r = b.run("orcon exec d.yaml");
  CAF_CHECK_NOT_EQUAL(r.code, 0);
  CAF_CHECK(r.says("list"));
  CAF_CHECK(!fs::exists(b.folder / "orcon.db"));
}

CAF_TEST(a reader of standard input that was killed leaves nothing) {
  const bench b;
  b.run("orcon db init; mkfifo pipe");
  const auto before = b.files();
  b.run("orcon map -q echo <pipe & pid=$!; exec 3>pipe; seq 200000 >&3; "
        "sleep 0.2; kill -KILL $pid; wait $pid");
  CAF_CHECK_EQUAL(b.run("orcon map -q true ::: x").code, 0);
  CAF_CHECK_EQUAL(b.ask("select count(*) from item_blocks"), "1\n");
  CAF_CHECK_EQUAL(b.files(), before);
  b.verify();
}
