#define CAF_SUITE rules.retry

#include <algorithm>
#include <string>

#include "actors/rules/retry_rules.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

constexpr auto now = from_ms(1'767'225'600'000);

retry_policy policy_of(backoff b, jitter j, std::int64_t cap) {
  retry_policy p;
  p.backoff = b;
  p.jitter = j;
  p.delay = milliseconds{100};
  p.factor = 3;
  p.max_delay = milliseconds{cap};
  return p;
}

std::string because(const task_move& move) {
  return json::parse(move.events.back().payload)["because"];
}

} // namespace

CAF_TEST(delays of all backoffs jitters and caps) {
  using enum backoff;
  const std::int64_t table[3][4]
    = {{100, 100, 100, 100}, {100, 200, 300, 400}, {100, 300, 900, 2700}};
  for (auto b : {fixed, linear, exponential})
    for (std::int64_t cap : {0, 50, 250, 900, 100'000})
      for (std::int32_t n = 1; n <= 4; ++n) {
        const auto plain = std::min(table[static_cast<int>(b)][n - 1], cap);
        const auto delay = [&](jitter j, double random) {
          return rules::retry_delay(policy_of(b, j, cap), n, random).count();
        };
        CAF_CHECK_EQUAL(delay(jitter::none, 0.75), plain);
        CAF_CHECK_EQUAL(delay(jitter::full, 0), 0);
        CAF_CHECK_EQUAL(delay(jitter::full, 0.5), plain / 2);
        CAF_CHECK_EQUAL(delay(jitter::equal, 0), plain / 2);
        CAF_CHECK(delay(jitter::equal, 0.999) <= plain);
        CAF_CHECK(delay(jitter::full, 0.999) <= plain);
      }
}

CAF_TEST(huge powers end at the cap) {
  auto p = policy_of(backoff::exponential, jitter::none, 300'000);
  p.factor = 1000;
  CAF_CHECK_EQUAL(rules::retry_delay(p, 1'000'000, 0).count(), 300'000);
}

CAF_TEST(no delay stays none whatever it is multiplied by) {
  retry_policy policy;
  policy.delay = milliseconds{0};
  policy.factor = 1000;
  for (int n : {1, 2, 103, 104, 1'000'000})
    CAF_CHECK_EQUAL(rules::retry_delay(policy, n, 0.5).count(), 0);
}

CAF_TEST(a failure is tried again only if nothing speaks against it) {
  for (bool retryable : {false, true})
    for (bool listed : {false, true})
      for (std::int32_t used : {0, 1, 2, 3})
        for (bool budget : {false, true}) {
          auto p = policy_of(backoff::linear, jitter::none, 100'000);
          p.max_retries = 2;
          if (listed)
            p.non_retryable = {"other", "exit"};
          const task_brief leased{7, 1, 5, used + 1, used, 0};
          const auto move = rules::plan_failure(
            leased, {"exit", "exit 1", json{{"exit_code", 1}}, retryable, {}},
            "{}", p, budget, now, 0.5);
          const auto again = retryable && !listed && used < 2 && budget;
          CAF_CHECK(move.from == task_state::running);
          CAF_CHECK(move.to
                    == (again ? task_state::retrying : task_state::failed));
          CAF_CHECK_EQUAL(move.attempt, used + 1);
          CAF_CHECK_EQUAL(move.parent, 5);
          CAF_CHECK(move.tasks == (task_range{7, 1}));
          CAF_CHECK_EQUAL(move.events.size(), again ? 1u : 2u);
          CAF_CHECK(move.events[0].kind == event_kind::task_failed);
          const auto error = json::parse(move.error);
          CAF_CHECK_EQUAL(error["type"], "exit");
          CAF_CHECK_EQUAL(error["exit_code"], 1);
          CAF_CHECK_EQUAL(error["attempt"], used + 1);
          if (again)
            CAF_CHECK(move.until == now + milliseconds{100 * (used + 1)});
          else
            CAF_CHECK_EQUAL(because(move), !retryable || listed
                                             ? "non_retryable"
                                           : used >= 2 ? "max_retries"
                                                       : "retry_budget");
        }
}

CAF_TEST(the wish of the handler comes first) {
  const auto move = rules::plan_failure(
    {7, 1, 5, 1, 0, 0}, {"exit", "", nullptr, true, milliseconds{42}}, "",
    policy_of(backoff::fixed, jitter::full, 1000), true, now, 0.5);
  CAF_CHECK(move.until == now + milliseconds{42});
}

CAF_TEST(success and retry) {
  const task_brief task{7, 1, 5, 2, 1, 0};
  const auto done = rules::plan_success(task, "[1]", now);
  CAF_CHECK(done.from == task_state::running);
  CAF_CHECK(done.to == task_state::succeeded);
  CAF_CHECK_EQUAL(done.outputs.at(0), "[1]");
  CAF_CHECK_EQUAL(done.attempt, 2);
  const auto again = rules::plan_retry(task, now);
  CAF_CHECK(again.from == task_state::retrying);
  CAF_CHECK(again.to == task_state::pending);
  CAF_CHECK(again.retried && !again.lost);
  CAF_CHECK(again.until == now);
}

CAF_TEST(budgets) {
  run_record run;
  const auto left = [&](share budget, std::int64_t retries) {
    run.retry_budget = budget;
    run.retries = retries;
    return rules::budget_left(run, 200);
  };
  CAF_CHECK(left({-1, 0}, 1'000'000));
  CAF_CHECK(!left({0, 0}, 0));
  CAF_CHECK(left({3, 0}, 2));
  CAF_CHECK(!left({3, 0}, 3));
  CAF_CHECK(left({0, 5}, 9));
  CAF_CHECK(!left({0, 5}, 10));
}
