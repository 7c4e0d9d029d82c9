#define CAF_SUITE apps.map_output

#include "tests/support/program.hpp"

// What `orcon map` writes beside plain output, and when it ends early.
using namespace orcon::test;

CAF_TEST(tags stand before each line) {
  const bench b;
  CAF_CHECK_EQUAL(
    b.run("orcon map -q -k --tag -c 'echo 1; printf 2; echo e >&2; : {}' ::: a "
          "'b c' 2>/dev/null")
      .out,
    "a\t1\na\t2b c\t1\nb c\t2");
  CAF_CHECK_EQUAL(
    b.run("orcon map -q -k --tag -c 'echo e{} >&2' ::: a b >/dev/null").out,
    "a\tea\nb\teb\n");
  CAF_CHECK_EQUAL(b.run("orcon map -q -k --tag echo ::: a ::: 1 2").out,
                  "a 1\ta 1\na 2\ta 2\n");
}

CAF_TEST(a job log has the format of GNU parallel) {
  const bench b;
  const auto r = b.run("orcon map -q -k --retries 0 --joblog log -c 'echo out; "
                       "{}' ::: true 'exit 3' 2>/dev/null");
  CAF_CHECK_EQUAL(r.code, 3);
  CAF_CHECK_EQUAL(
    b.run("head -1 log").out,
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\t"
    "Command\n");
  // "exit 3" is quoted: it is the name of a program that does not exist.
  CAF_CHECK_EQUAL(b.run("tail -n +2 log | cut -f 1,2,5-").out,
                  "1\t:\t0\t4\t0\t0\techo out; true\n"
                  "2\t:\t0\t4\t127\t0\techo out; exit\\ 3\n");
  b.run("orcon map -q -k --retries 0 --joblog log sh -c 'kill -9 $$' ::: a");
  CAF_CHECK_EQUAL(b.run("tail -n +2 log | cut -f 7-").out,
                  "0\t9\tsh -c 'kill -9 $$' a\n");
  CAF_CHECK_EQUAL(b.run("awk -F'\\t' 'NR > 1 { d = systime() - $3; print (d < "
                        "60 && d > -5 && $4 < 60) }' log || true")
                    .out,
                  "1\n");
  CAF_CHECK_EQUAL(b.run("orcon map --joblog no/log true ::: a").code, 1);
}

CAF_TEST(halt ends a run early and the same line resumes it) {
  const bench b;
  const auto begun = [&] { return b.run("sort log | tr -d '\\n'").out; };
  const std::string line
    = "-q -j1 --retries 0 -c 'echo {} >> log; test {} != b || test -e mended' "
      "::: a b c d";
  const auto r = b.run("orcon map --halt now,fail=1 " + line);
  CAF_CHECK_EQUAL(r.code, 3);
  CAF_CHECK_EQUAL(begun(), "ab");
  b.verify();
  b.write("mended", "");
  // First what was not done; then, as the run has FAILED, what failed.
  CAF_CHECK_EQUAL(b.run("orcon map " + line).code, 3);
  CAF_CHECK_EQUAL(begun(), "abcd");
  CAF_CHECK_EQUAL(b.run("orcon map " + line).code, 0);
  CAF_CHECK_EQUAL(begun(), "abbcd");
}

CAF_TEST(halt counts successes and shares) {
  const bench b;
  const auto begun = [&](const std::string& rule) {
    // Runs that are not done would be worked as well.
    const auto r = b.run(
      "rm -f log orcon.db*; orcon map -q --fresh -j1 --retries 0 --halt " + rule
      + " -c 'echo {} >> log' ::: a b c d e f g h i j");
    CAF_CHECK_EQUAL(r.code, 0);
    return b.run("wc -l < log").out;
  };
  CAF_CHECK_EQUAL(begun("soon,success=2"), "2\n");
  CAF_CHECK_EQUAL(begun("soon,done=30%"), "3\n");
  CAF_CHECK_EQUAL(begun("now,fail=1"), "10\n");
  CAF_CHECK_EQUAL(begun("never"), "10\n");
  // "soon" lets the others end, "now" does not.
  b.run(
    "orcon map -q -j2 --halt soon,success=1 -c 'sleep {}; echo {} >> ended' "
    "::: 0 1 2");
  CAF_CHECK_EQUAL(b.read("ended"), "0\n1\n");
  b.run("orcon map -q -j2 --halt now,success=1 -c 'sleep {}; echo {} >> cut' "
        "::: 0 5 6");
  CAF_CHECK_EQUAL(b.read("cut"), "0\n");
  for (const auto* bad : {"now", "fail=1", "now,fail", "now,fail=0",
                          "soon,done=101%", "now,fail=x", "later,fail=1"})
    CAF_CHECK_EQUAL(
      b.run("orcon map --halt " + std::string{bad} + " true ::: a").code, 2);
}

CAF_TEST(a reader that goes away ends the run like Ctrl C) {
  const bench b;
  const auto r
    = b.run("orcon map -j1 -c 'echo {}; echo {} >> log; sleep 0.1' ::: $(seq "
            "50) | head -n 2; echo ${PIPESTATUS[0]}");
  CAF_CHECK(r.says("1\n2\n130\n"));
  CAF_CHECK(r.says("nobody reads the output any more"));
  const auto ran = std::stoi(b.run("wc -l < log").out);
  CAF_CHECK(ran < 10);
  CAF_CHECK_EQUAL(b.run("pgrep -f 'ech[o].*log; sleep'").out, "");
  b.verify();
  // Also when the commands print nothing.
  const auto silent
    = b.run("time orcon map -q -j1 sleep ::: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 | "
            "true; echo ${PIPESTATUS[0]}");
  CAF_CHECK(silent.says("130\n"));
  // Nothing is lost: the same line prints all.
  CAF_CHECK_EQUAL(
    b.run("orcon map -q -k -j9 -c 'echo {}; echo {} >> log; sleep 0.1' ::: "
          "$(seq 50) | cmp - <(seq 50)")
      .out,
    "");
}

CAF_TEST(nobody reads and Ctrl C still ends the work at once) {
  const bench b;
  // A pipe that is full: sleep holds it open and never reads.
  const auto r
    = b.run("orcon map -j1 -c 'echo {} >> log; head -c 100000 /dev/zero; sleep "
            "0.1' ::: $(seq 200) | sleep 6 & sleep 1.5; date +%s%N > from; "
            "pid=$(pgrep -f '^orcon map -j1 -c echo'); kill -INT $pid; sleep "
            "0.4; wc -l < log > then; while kill -0 $pid 2>/dev/null; do sleep "
            "0.05; done; date +%s%N > to; wc -l < log > after; wait");
  CAF_MESSAGE(r.out);
  CAF_CHECK(std::stoi(b.read("after")) <= std::stoi(b.read("then")) + 1);
  CAF_CHECK(std::stoi(b.read("after")) > 1);
  const auto took = std::stoll(b.read("to")) - std::stoll(b.read("from"));
  CAF_CHECK(took < 4'000'000'000);
  CAF_CHECK(r.says("stopped; nothing is lost"));
  b.verify();
}

CAF_TEST(with line buffer each line is printed when it is written) {
  const bench b;
  // The second line is written only once the first has been read.
  const auto r
    = b.run("orcon map -q --line-buffer -c 'echo {}1; until test -e seen; do "
            "sleep 0.05; done; printf {}2' ::: a | while read line; do echo "
            "$line; touch seen; done; wait");
  CAF_CHECK_EQUAL(r.out, "a1\na2\n");
  // Lines of several commands and attempts stay whole.
  const auto lines
    = b.run("orcon map -q -j4 --lb --tag --retries 1 -c 'for i in 1 2 3; do "
            "printf x; sleep 0.02; echo $i; done; printf end{}; test $(echo "
            ". >> tried{}; wc -l < tried{}) = 2' ::: a b c | sort | uniq -c | "
            "tr -s ' '")
        .out;
  std::string expected;
  for (const auto* item : {"a", "b", "c"})
    for (const auto* line : {"end", "x1", "x2", "x3"})
      expected += std::string{" 2 "} + item + "\t" + line
                  + (line == std::string{"end"} ? item : "") + "\n";
  CAF_CHECK_EQUAL(lines, expected);
  // What has settled before is printed whole.
  CAF_CHECK_EQUAL(b.run("orcon map -q --lb echo ::: a").out, "a\n");
  CAF_CHECK_EQUAL(b.run("orcon map -q --lb --replay echo ::: a").out, "a\n");
  CAF_CHECK_EQUAL(b.run("orcon map --lb -k echo ::: a").code, 2);
}

CAF_TEST(with pipe each command reads a block of whole lines) {
  const bench b;
  CAF_CHECK_EQUAL(
    b.run("seq 5 | orcon map -q -k --pipe -n 2 -c 'echo {#}: $(cat)'").out,
    "1: 1 2\n2: 3 4\n3: 5\n");
  CAF_CHECK_EQUAL(
    b.run("seq 100000 | orcon map -q -k --pipe --block 64k cat | cksum").out,
    b.run("seq 100000 | cksum").out);
  CAF_CHECK_EQUAL(
    b.run("seq 5 > n; orcon map -q -k --pipe -a n -n 4 wc -l").out, "4\n1\n");
  // A block holds as many lines as fit.
  CAF_CHECK_EQUAL(b.run("seq 9 | orcon map -q -k --pipe --block 4 wc -l").out,
                  "2\n2\n2\n2\n1\n");
  // Bytes stay what they are.
  CAF_CHECK_EQUAL(
    b.run("printf 'a\\0\\377\\n' | orcon map -q --pipe cat | od -c | cksum")
      .out,
    b.run("printf 'a\\0\\377\\n' | od -c | cksum").out);
  CAF_CHECK_EQUAL(b.run("seq 2 | orcon map -q -k --pipe --tag -n 1 cat").out,
                  "1\t1\n2\t2\n");
  for (const auto* wrong :
       {"--pipe cat ::: a", "--pipe echo {}", "--pipe -X cat",
        "--pipe --block 2M cat", "--pipe --block x cat", "--block 1k cat"}) {
    CAF_MESSAGE(wrong);
    CAF_CHECK_EQUAL(b.run("seq 3 | orcon map " + std::string{wrong}).code, 2);
  }
}
