#define CAF_SUITE apps.end_to_end

#include "tests/support/program.hpp"

using orcon::test::bench;

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
    CAF_CHECK_EQUAL(
      b.run("timeout -s KILL " + std::string{after} + " " + plain).code, 137);
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
  // A replay prints the same, and runs nothing.
  const auto ran = b.read("log");
  CAF_CHECK_EQUAL(b.run("orcon map --replay" + plain.substr(9)).out, want);
  CAF_CHECK_EQUAL(b.read("log"), ran);
}

CAF_TEST(Ctrl C keeps everything and resume goes on) {
  const bench b;
  const auto first = b.run("timeout -s INT --preserve-status 0.5 orcon map -j2 "
                           "-- sleep 0.{} ::: 1 2 1 2 1 2 1 2 1 2 1 2");
  CAF_CHECK_EQUAL(first.code, 130);
  CAF_CHECK(first.says("orcon resume"));
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
  CAF_CHECK(b.run("orcon task failures").says("hopeless"));
  CAF_CHECK(b.run("orcon run show").says("FAILED"));
  b.verify();
}

CAF_TEST(json output is only json) {
  const bench b;
  b.run("orcon map -q -- true ::: 1 2 3");
  const auto top = b.run("orcon task list -o jsonl --limit 1");
  CAF_CHECK(top.says("\"parent_task_id\":null"));
  CAF_CHECK(!top.says("[null]"));
  CAF_CHECK_EQUAL(
    b.run("orcon task list -o jsonl --state succeeded | wc -l").out, "4\n");
  CAF_CHECK_EQUAL(b.run("sqlite3 :memory: \"select json_valid('$(orcon run "
                        "list -o json)')\"")
                    .out,
                  "1\n");
  CAF_CHECK_EQUAL(
    b.run(
       "env -u ORCON_DB orcon bench fanout --tasks 2000 -q -o json | grep -c "
       "tasks_per_second")
      .out,
    "1\n");
}
