#define CAF_SUITE apps.map

#include "apps/orcon/map/output/long_stderr.hpp"
#include "tests/support/program.hpp"

using orcon::test::bench;

CAF_TEST(output of any size comes whole) {
  const bench b;
  const auto r = b.run("orcon map -q -k -- sh -c 'head -c {} /dev/zero | tr "
                       "\"\\0\" z' ::: 1048576 1048577 5000000 | wc -c");
  CAF_CHECK_EQUAL(r.out, "7097153\n");
}

CAF_TEST(what commands write to stderr is passed on) {
  const bench b;
  CAF_CHECK_EQUAL(
    b.run("orcon map -q -k -- sh -c 'echo out {}; echo err {} >&2' ::: a b "
          ">/dev/null")
      .out,
    "err a\nerr b\n");
  CAF_CHECK_EQUAL(
    b.run("orcon map -q -k --fresh -- sh -c 'echo out {}; echo err {} >&2' ::: "
          "a b 2>/dev/null")
      .out,
    "out a\nout b\n");
}

CAF_TEST(stderr of any size comes whole) {
  const bench b;
  for (const std::string end : {"exit 0", "exit 3"}) {
    const auto line
      = "orcon map -q -k --fresh --retries 0 --results r -- sh -c "
        "'seq {} >&2; "
        + end + "' ::: 3000 100000 2>&1";
    CAF_CHECK_EQUAL(b.run(line + " | grep -v ^orcon: | wc -l").out, "103000\n");
    CAF_CHECK_EQUAL(b.run("cat r/1/stderr | wc -l").out, "3000\n");
    CAF_CHECK_EQUAL(b.run("cat r/2/stderr | wc -l").out, "100000\n");
  }
  // Beyond 1 MiB the beginning is missing, which is marked.
  b.run("orcon map -q --results r -- sh -c 'seq {} >&2' ::: 200000 2>&1");
  CAF_CHECK_EQUAL(b.run("head -c 23 r/1/stderr").out, "[… 240319 bytes cut] ");
  CAF_CHECK_EQUAL(b.run("tail -n 1 r/1/stderr").out, "200000\n");
  // A row has the last 4 KiB.
  CAF_CHECK(b.run("orcon map -o jsonl -- sh -c 'seq {} >&2' ::: 3000")
              .says("\"stderr\":\"[… 9797 bytes cut] "));
}

CAF_TEST(long stderr is kept within a limit) {
  orcon::long_stderr kept{10};
  kept.keep({1, 1}, "1234");
  kept.keep({2, 1}, "12345");
  kept.keep({1, 2}, "123"); // replaces the earlier attempt
  CAF_CHECK(!kept.take({1, 1}));
  kept.keep({3, 1}, "123"); // no room: the oldest goes
  CAF_CHECK(!kept.take({2, 1}));
  CAF_CHECK(kept.take({1, 2}) == "123");
  CAF_CHECK(!kept.take({1, 2}));
  CAF_CHECK(kept.take({3, 1}) == "123");
  kept.keep({4, 1}, "12345678901");
  CAF_CHECK(!kept.take({4, 1}));
}

CAF_TEST(results are files as a shell would tell them) {
  const bench b;
  const auto r
    = b.run("orcon map -q --retries 0 --timeout 500ms --results r -- sh -c "
            "'echo out; echo err >&2; {}' ::: true 'exit 3' 'kill -9 $$' "
            "'sleep 9'");
  CAF_CHECK_EQUAL(r.code, 3);
  CAF_CHECK_EQUAL(b.run("cat r/[1-4]/exit_code").out, "0\n3\n137\n143\n");
  CAF_CHECK_EQUAL(b.run("cat r/[1-4]/stdout").out, "out\nout\nout\nout\n");
  CAF_CHECK_EQUAL(b.run("cat r/[1-4]/stderr").out, "err\nerr\nerr\nerr\n");
  b.run("orcon map -q --retries 0 --results n -- nosuchprogram ::: a");
  CAF_CHECK_EQUAL(b.read("n/1/exit_code"), "127\n");
  b.write("file", "");
  const auto bad = b.run("orcon map --db x.db --results file/r -- echo ::: a");
  CAF_CHECK_EQUAL(bad.code, 1);
  CAF_CHECK(bad.says("--results: cannot write into file/r: Not a directory"));
  CAF_CHECK_EQUAL(b.run("ls x.db* 2>/dev/null").out, "");
}

CAF_TEST(failures are told however quiet) {
  const bench b;
  const auto r = b.run("orcon map -q --retries 0 -- nosuchprogram ::: a");
  CAF_CHECK_EQUAL(r.code, 3);
  CAF_CHECK(r.says("map#1 (a) failed: cannot run \"nosuchprogram\""));
}

CAF_TEST(tolerance is a count or a share) {
  const bench b;
  const std::string map = "orcon map -q --retries 0 --fresh --tolerate ";
  const std::string fails = " -- sh -c 'exit {}' ::: 0 1 1 0 2>/dev/null";
  CAF_CHECK_EQUAL(b.run(map + "1" + fails).code, 3);
  CAF_CHECK_EQUAL(b.run(map + "2" + fails).code, 0);
  CAF_CHECK_EQUAL(b.run(map + "50%" + fails).code, 0);
  const auto bad = b.run(map + "some -- true ::: a");
  CAF_CHECK_EQUAL(bad.code, 2);
  CAF_CHECK(bad.says("--tolerate: \"some\" is neither"));
  const auto late = b.run("orcon map --dry-run --timeout 5 -- true ::: a");
  CAF_CHECK_EQUAL(late.code, 2);
  CAF_CHECK(late.says("--timeout: \"5\" is not a duration"));
}

CAF_TEST(inputs come from what can be read once and must be readable) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("orcon map -q -k -a <(seq 3) -- echo").out,
                  "1\n2\n3\n");
  for (const auto* broken : {"< .", "<&-"}) {
    const auto r = b.run("orcon map --db x.db -- echo " + std::string{broken});
    CAF_CHECK_EQUAL(r.code, 1);
    CAF_CHECK(r.says("cannot read standard input"));
  }
  const auto line = b.run("head -c 1048577 /dev/zero | tr '\\0' a | orcon map "
                          "--db x.db -- echo");
  CAF_CHECK_EQUAL(line.code, 2);
  CAF_CHECK(line.says("standard input: line 1 is longer than 1048576 bytes"));
  CAF_CHECK_EQUAL(b.run("ls x.db* 2>/dev/null").out, "");
}

CAF_TEST(commands inherit the environment and what is named) {
  const bench b;
  const std::string show = " -- sh -c 'echo ${A-none} ${B-none}' ::: x";
  CAF_CHECK_EQUAL(b.run("A=1 B=2 orcon map -q" + show).out, "1 2\n");
  CAF_CHECK_EQUAL(b.run("A=1 B=2 orcon map -q --env A=3" + show).out, "3 2\n");
  CAF_CHECK_EQUAL(b.run("orcon map -q --env A=x --env B" + show).out,
                  "x none\n");
  // By reference: the value is nowhere in the database.
  b.run("A=secret-4711 orcon map -q --env A -- true ::: x");
  b.run("A=secret-4711 orcon map -q -- true ::: y");
  CAF_CHECK_EQUAL(b.run("grep -c secret-4711 orcon.db").out, "0\n");
}

CAF_TEST(as JSON a row for each input and nothing else) {
  const bench b;
  const std::string line = "-q -k -- sh -c 'echo {}; exit $((1-{}))' ::: 1";
  const auto r = b.run("orcon map -o jsonl " + line);
  CAF_CHECK_EQUAL(r.out, "{\"index\":1,\"item\":\"1\",\"state\":\"SUCCEEDED\","
                         "\"attempt\":1,\"output\":{\"exit_code\":0,"
                         "\"stdout\":\"1\\n\"},\"last_error\":null}\n");
  CAF_CHECK_EQUAL(b.run("orcon map -o json -q -- true </dev/null").out, "[]\n");
  CAF_CHECK_EQUAL(
    b.run("orcon map -o jsonl --dry-run -- echo {} ::: 'a b'").out,
    "{\"index\":1,\"item\":\"a b\",\"argv\":[\"echo\","
    "\"a b\"]}\n");
}
