#define CAF_SUITE apps.map_again

#include "tests/support/program.hpp"

// The same command line of `orcon map` again.
using namespace orcon::test;

CAF_TEST(a line that has SUCCEEDED runs again) {
  const bench b;
  const std::string line
    = "orcon map -k -c 'echo {} >> log; echo did {}' ::: a b";
  CAF_CHECK_EQUAL(b.run(line + " 2>/dev/null").out, "did a\ndid b\n");
  CAF_CHECK_EQUAL(b.run(line + " 2>/dev/null").out, "did a\ndid b\n");
  CAF_CHECK_EQUAL(b.run("sort log | tr -d '\\n'").out, "aabb");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs"), "2\n");
  b.verify();
}

CAF_TEST(replay prints the last result and runs nothing) {
  const bench b;
  const std::string line = " -k -c 'echo {} >> log; echo did {}' ::: a b";
  const auto none = b.run("orcon db init -q; orcon map --replay" + line);
  CAF_CHECK_EQUAL(none.code, 5);
  CAF_CHECK(none.says("no run of this command line in orcon.db"));
  b.run("orcon map" + line);
  const auto r = b.run("orcon map --replay" + line);
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK(r.says("did a\ndid b\n"));
  CAF_CHECK(r.says("ms ago; this is what it printed")
            || r.says("s ago; this is what it printed"));
  CAF_CHECK_EQUAL(b.run("orcon map -q --replay" + line).out, "did a\ndid b\n");
  CAF_CHECK_EQUAL(b.run("sort log | tr -d '\\n'").out, "ab");
  // It is not an engine: another one may be at work.
  CAF_CHECK_EQUAL(b.run("orcon map -q sleep ::: 1 & sleep 0.4; orcon map -q "
                        "--replay"
                        + line + "; wait")
                    .out,
                  "did a\ndid b\n");
  b.run("timeout -s KILL 0.3 orcon map -q sleep ::: 7");
  CAF_CHECK_EQUAL(b.run("orcon map --replay sleep ::: 7").code, 6);
  CAF_CHECK_EQUAL(b.run("orcon map --replay --fresh true ::: 7").code, 2);
}

CAF_TEST(a line that FAILED tries again what did not succeed) {
  const bench b;
  const std::string line
    = "orcon map -k --retries 0 -c 'echo {} >> log; test {} != b || test -e "
      "mended || exit 1; echo did {}' ::: a b c";
  const auto first = b.run(line);
  CAF_CHECK_EQUAL(first.code, 3);
  CAF_CHECK(first.says("did a\ndid c\n"));
  const auto still = b.run(line);
  CAF_CHECK_EQUAL(still.code, 3);
  CAF_CHECK(still.says("did a\ndid c\n"));
  CAF_CHECK(still.says("trying 1 of 3 again"));
  CAF_CHECK_EQUAL(b.run("cat log | sort | tr -d '\\n'").out, "abbc");
  // It failed twice, but the run has one failure.
  const auto text = still.out;
  const auto told = text.find("map#2 (b) failed");
  CAF_REQUIRE(told != std::string::npos);
  CAF_CHECK(text.find("map#2 (b) failed", told + 1) == std::string::npos);
  b.write("mended", "");
  const auto last = b.run(line + " 2>/dev/null");
  CAF_CHECK_EQUAL(last.code, 0);
  CAF_CHECK_EQUAL(last.out, "did a\ndid b\ndid c\n");
  CAF_CHECK_EQUAL(b.run("cat log | sort | tr -d '\\n'").out, "abbbc");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs"), "1\n");
  b.verify();
}

CAF_TEST(a line that was interrupted resumes with the jobs it is given now) {
  const bench b;
  const std::string line = " -c 'sleep 0.3; echo did {}' ::: 1 2 3 4 5 6 7 8 9";
  const auto first
    = b.run("timeout -s INT --preserve-status 0.5 orcon map -j1" + line);
  CAF_CHECK_EQUAL(first.code, 130);
  const auto second
    = b.run("orcon map -k -j9" + line + " 2>note; cat note >&2");
  CAF_CHECK_EQUAL(second.code, 0);
  CAF_CHECK(second.says("did 1\ndid 2\ndid 3\ndid 4\ndid 5\ndid 6\ndid 7\n"
                        "did 8\ndid 9\n"));
  CAF_CHECK(second.says("resumes: "));
  // All that was left ran at once.
  CAF_CHECK_EQUAL(
    b.ask("select count(*) from (select started_at s from tasks where "
          "child_index>0 order by 1 desc limit 7) having "
          "(julianday(max(s))-julianday(min(s)))*86400 < 0.25"),
    "7\n");
  CAF_CHECK_EQUAL(b.ask("select count(*) from runs"), "1\n");
}

CAF_TEST(other work is another run) {
  const bench b;
  const auto runs = [&] { return b.ask("select count(*) from runs"); };
  // Unfinished, so that the same work would be taken up.
  const std::string cut = "timeout -s KILL 0.3 orcon map -q -j1 ";
  b.write("list", "1\n9\n");
  b.run(cut + "-a list sleep");
  b.run(cut + "-a list sleep");
  CAF_CHECK_EQUAL(runs(), "1\n");
  // Another content of the same length; the time of the file means nothing.
  b.run("touch -d 2001-01-01 list; " + cut + "-a list sleep");
  CAF_CHECK_EQUAL(runs(), "1\n");
  b.run("touch -r list old; printf '1\\n8\\n' > list; touch -r old list");
  b.run(cut + "-a list sleep");
  CAF_CHECK_EQUAL(runs(), "2\n");
  // The value of a variable, which is stored nowhere.
  b.run("V=secret-4711 " + cut + "--env V -a list sleep");
  CAF_CHECK_EQUAL(runs(), "3\n");
  b.run("V=secret-4711 " + cut + "--env V -a list sleep");
  CAF_CHECK_EQUAL(runs(), "3\n");
  b.run("V=secret-4712 " + cut + "--env V -a list sleep");
  CAF_CHECK_EQUAL(runs(), "4\n");
  CAF_CHECK_EQUAL(b.run("cat orcon.db* | grep -c secret-471").out, "0\n");
  // --fresh starts a new run although the last one has not ended.
  b.run(cut + "--fresh -a list sleep");
  CAF_CHECK_EQUAL(runs(), "5\n");
}
