#define CAF_SUITE apps.rough_handling

#include "tests/support/program.hpp"

using orcon::test::bench;

// What shells, pipes, links and impatient people do to a program.

CAF_TEST(work goes on when nobody listens) {
  const bench b;
  for (const auto* deaf : {"2>&-", "2>/dev/full", "2> >(exec true)"}) {
    const auto r
      = b.run("orcon map --fresh -k -- echo {} ::: a b c " + std::string{deaf});
    CAF_MESSAGE(deaf);
    CAF_CHECK_EQUAL(r.code, 0);
    CAF_CHECK_EQUAL(r.out, "a\nb\nc\n");
  }
  // A reader that goes away ends the run as Ctrl-C does: the same line resumes.
  const auto gone = b.run("line() { seq 200 | orcon map --name gone -c 'sleep "
                          "0.01; echo {}' 2>/dev/null; }; line | head -1; "
                          "line | sort -n | tail -1");
  CAF_CHECK(gone.says("200\n"));
  CAF_CHECK_EQUAL(b.ask("select state from runs where name='gone'"),
                  "SUCCEEDED\n");
  CAF_CHECK_EQUAL(b.run("orcon nosuch 2>&-").code, 2);
  b.verify();
}

CAF_TEST(messages never end up in a file of ours) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("orcon map -- echo {} ::: a <&- >&- 2>&-").code, 1);
  b.verify();
}

CAF_TEST(output that does not arrive is a failure) {
  const bench b;
  b.write("a.json", R"({"tasks":{"a":{"handler":"noop"}}})");
  CAF_CHECK_EQUAL(b.run("orcon exec -q a.json").code, 0);
  for (const auto* command :
       {"run list -o json", "run show", "event list --all", "stats", "version",
        "def schema", "health", "run report", "completion bash",
        "--help-all"}) {
    const auto r = b.run("orcon " + std::string{command} + " >/dev/full");
    CAF_MESSAGE(command);
    CAF_CHECK_EQUAL(r.code, 1);
    CAF_CHECK(r.says("cannot write the output: No space left"));
    CAF_CHECK_EQUAL(
      b.run("orcon " + std::string{command} + " >&-; exit $?").code, 1);
  }
  // Who reads no further knows that himself.
  const auto r = b.run("orcon event list --all | true");
  CAF_CHECK_EQUAL(r.out, "");
}

CAF_TEST(a link is no way round the engine lock) {
  const bench b;
  b.run("mkdir elsewhere; ln -s elsewhere/real.db link.db");
  CAF_CHECK_EQUAL(b.run("orcon map -q --db link.db -- echo ::: a").code, 0);
  CAF_CHECK_EQUAL(b.run("cd elsewhere; echo *").out, "real.db\n");
  const auto r = b.run("orcon map -q --db elsewhere/real.db -- sleep 1 ::: b & "
                       "sleep 0.4; orcon resume --db link.db; echo $?; wait");
  CAF_MESSAGE(r.out);
  CAF_CHECK(r.says("in use by another engine"));
  CAF_CHECK(r.says("7\n"));
  b.run("ln elsewhere/real.db hard.db");
  const auto hard = b.run("orcon resume --db hard.db");
  CAF_CHECK_EQUAL(hard.code, 7);
  CAF_CHECK(hard.says("hard link"));
  CAF_CHECK_EQUAL(b.run("ls hard.db*").out, "hard.db\n");
}

CAF_TEST(an option without its value is no option) {
  const bench b;
  const auto r = b.run("orcon map --db= -k -- echo ::: a");
  CAF_CHECK_EQUAL(r.code, 2);
  CAF_CHECK(r.says("--db has no value"));
  CAF_CHECK_EQUAL(b.files(), "");
  CAF_CHECK_EQUAL(b.run("orcon map -q -- echo --x= ::: a").out, "--x= a\n");
}

CAF_TEST(a second signal stops what processes have started in their turn) {
  const bench b;
  const auto r
    = b.run("orcon map -- sh -c 'sleep 61.5 & sleep 61.5; echo {}' ::: a b & "
            "pid=$!; sleep 0.5; kill -INT $pid; sleep 0.5; kill -INT $pid; "
            "wait $pid; echo code $?; pgrep -f '^sleep 61[.]5' | wc -l");
  CAF_MESSAGE(r.out);
  CAF_CHECK(r.says("code 130"));
  CAF_CHECK(r.says("\n0\n"));
  CAF_CHECK_EQUAL(b.ask("select count(*) from tasks where state='RUNNING'"),
                  "0\n");
  b.verify();
}

CAF_TEST(a signal begins nothing more) {
  const bench b;
  // Quick ones first, so that many are leased ahead.
  const auto r = b.run(
    "seq 420 | orcon map -j2 -- sh -c '[ {} -le 400 ] || { echo x >> begun; "
    "sleep 1; }' & pid=$!; while ! [ -s begun ]; do sleep 0.02; done; "
    "kill -INT $pid; wait $pid; echo code $?; wc -l < begun");
  CAF_MESSAGE(r.out);
  CAF_CHECK(r.says("code 130"));
  CAF_CHECK(r.says("\n1\n") || r.says("\n2\n"));
  CAF_CHECK_EQUAL(b.ask("select count(*) from tasks where state='RUNNING'"),
                  "0\n");
  b.verify();
}

CAF_TEST(more processes at once than descriptors are no failure) {
  const bench b;
  const auto r = b.run("ulimit -Hn 100; seq 60 | orcon map -q -j 60 "
                       "--retries 0 -- sh -c 'sleep 0.2; ulimit -Sn'");
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK_EQUAL(b.ask("select count(*) from tasks where state='SUCCEEDED'"),
                  "61\n");
  // The limit that processes see is the one from before we raised ours.
  CAF_CHECK(b.run("ulimit -Sn 99; orcon map -q -- sh -c 'ulimit -Sn' ::: a").out
            == "99\n");
}
