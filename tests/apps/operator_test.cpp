#define CAF_SUITE apps.operator

#include "tests/support/program.hpp"

#include <conductor/json_text.hpp>

#include <caf/test/unit_test.hpp>

// What an operator is told is true, however much there is to tell.
using conductor::json;
using orcon::test::bench;

namespace {

void check_says(const orcon::test::program_result& r,
                std::initializer_list<const char*> texts) {
  for (const auto* text : texts)
    if (!r.says(text))
      CAF_ERROR("\"" << text << "\" is not in\n" << r.out);
}

} // namespace

CAF_TEST(failure groups count every failure) {
  const bench b;
  b.write("masked.yaml", R"(
version: 1
name: masked
defaults: { max_retries: 0 }
tasks:
  early: { handler: fail, input: { fanout: 20, type: early } }
  many: { handler: fail, input: { fanout: 11000, type: quota } }
  late: { handler: fail, input: { fanout: 20, type: late } }
)");
  CAF_CHECK_EQUAL(b.run("orcon exec -q masked.yaml").code, 3);
  const auto shown = b.run("orcon run show");
  check_says(shown, {"11000 x  quota: ", "20 x  early: ", "20 x  late: ",
                     "orcon run retry", "--error late"});
  const auto summary = json::parse(b.run("orcon run show -o json").out);
  CAF_CHECK_EQUAL(summary["failures"].size(), 3u);
  CAF_CHECK_EQUAL(summary["parents_total"], 3);
  CAF_CHECK(b.run("orcon run report | grep -c '11,000'").code == 0);
  // The same filter everywhere.
  CAF_CHECK_EQUAL(
    json::parse(b.run("orcon task failures --error late -o json").out).size(),
    20u);
  CAF_CHECK_EQUAL(
    json::parse(
      b.run("orcon task list --error early --name 'early#1*' -o json").out)
      .size(),
    11u);
  // What a table leaves out it says, with the command for the rest.
  const auto cut = b.run("orcon task failures --error quota --limit 2");
  check_says(cut, {"there are more:  orcon task failures ",
                   " --error quota --limit 2 --after "});
  CAF_CHECK(!b.run("orcon task failures --limit 2 -q").says("there are more"));
  CAF_CHECK(!b.run("orcon task failures --error late").says("there are more"));
  check_says(b.run("orcon event list --limit 3"),
             {"there are more:  orcon event list --after 3"});
}

CAF_TEST(a run that goes on shows what runs and what waits for a retry) {
  const bench b;
  b.write("open.yaml", R"(
version: 1
name: open
tasks:
  again:
    handler: fail
    input: { fanout: 5, type: busy, message: not yet }
    max_retries: 5
    retry: { delay: 1h, backoff: fixed, jitter: none }
  slow: { handler: sleep, input: { duration: 30s } }
  quick: { handler: noop, input: { fanout: 30 } }
)");
  const auto shown
    = b.run("orcon exec -q open.yaml & sleep 2; orcon run show; orcon run show "
            "-o json > show.json; kill -KILL $!");
  check_says(shown, {"retrying\n", "5 x  busy: not yet", "running\n  slow"});
  const auto summary = json::parse(b.read("show.json"));
  CAF_CHECK_EQUAL(summary["retrying"][0]["count"], 5);
  CAF_CHECK_EQUAL(summary["running"][0]["name"], "slow");
  CAF_CHECK(summary["failures"].empty());
  CAF_CHECK(summary["stuck"].empty());
}

CAF_TEST(failed parents come first and the others are counted) {
  const bench b;
  std::string yaml
    = "version: 1\nname: wide\ndefaults: { max_retries: 0 }\ntasks:\n";
  for (int i = 0; i < 30; ++i)
    yaml += "  p" + std::to_string(i)
            + ": { handler: noop, input: { fanout: 1 "
              "} }\n";
  b.write("wide.yaml",
          yaml + "  bad: { handler: fail, input: { fanout: 2 } }\n");
  CAF_CHECK_EQUAL(b.run("orcon exec -q wide.yaml").code, 3);
  const auto shown = b.run("orcon run show");
  check_says(shown, {"… and 11 more", "bad "});
  CAF_CHECK(shown.out.find("bad  ") < shown.out.find("p0  "));
}

CAF_TEST(retries are measured where one looks) {
  const bench b;
  b.write("flaky.yaml", R"(
version: 1
name: flaky
tasks:
  t: { handler: fail, input: { fanout: 4, times: 1 }, retry: { delay: 1ms } }
)");
  CAF_CHECK_EQUAL(b.run("orcon exec -q flaky.yaml").code, 0);
  check_says(b.run("orcon run show"), {"retries   4; 4 tasks retried, 100.0%",
                                       "2.00 attempts per task"});
  const auto summary = json::parse(b.run("orcon run show -o json").out);
  CAF_CHECK_EQUAL(summary["retry"]["success_rate"], 1.0);
  check_says(b.run("orcon stats"), {"orcon_retry_success_ratio"});
  check_says(
    b.run("orcon stats -o prometheus"),
    {"orcon_retried_tasks_succeeded 4\n", "orcon_attempts_per_task 2\n"});
}

CAF_TEST(commands of advice work when they are pasted) {
  const bench b;
  b.run("orcon map -q --retries 0 --db 'a b.db' -- false ::: $(seq 40)");
  const auto ill = b.run("orcon health --db 'a b.db'");
  check_says(ill, {"40 of the last 40 with exit: ", "`orcon task failures ",
                   " --db 'a b.db'`"});
  check_says(b.run("orcon health --db 'a b.db' --stuck-after bogus=1h"),
             {"no task has the handler \"bogus\""});
  const auto below = b.run("orcon event list --after -1");
  CAF_CHECK_EQUAL(below.code, 2);
  CAF_CHECK(!below.says("0000000000"));
  check_says(b.run("orcon event list --name '*.aggregated' --db 'a b.db'"),
             {"run.aggregated", "task.aggregated"});
}
