#define CAF_SUITE rules.retry

#include <algorithm>
#include <string>

#include "actors/rules/retry_rules.hpp"

#include <conductor/event_payload.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

retry_policy policy_of(backoff b, jitter j, std::int64_t cap) {
  retry_policy p;
  p.backoff = b;
  p.jitter = j;
  p.delay = milliseconds{100};
  p.factor = 3;
  p.max_delay = milliseconds{cap};
  return p;
}

std::string because(const move_tasks& move) {
  return parse_event(move.events.back().payload)->because;
}

task_group leased(std::int32_t attempt, std::int32_t retry_count) {
  return {.run = 1,
          .parent = 5,
          .tasks = {7, 2},
          .state = task_state::running,
          .attempt = attempt,
          .retry_count = retry_count};
}

rules::failure exit_failure(bool retryable = true) {
  return {.type = "exit",
          .error = R"({"attempt":1,"message":"exit 1","type":"exit"})",
          .retryable = retryable};
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
          const auto move = rules::plan_failure(leased(used + 1, used),
                                                exit_failure(retryable),
                                                {"{}", "1"}, p, budget, 0.5);
          const auto again = retryable && !listed && used < 2 && budget;
          CAF_CHECK(move.from == task_state::running);
          CAF_CHECK(move.to
                    == (again ? task_state::retrying : task_state::failed));
          CAF_CHECK_EQUAL(move.attempt, used + 1);
          CAF_CHECK_EQUAL(move.parent, 5);
          CAF_CHECK(move.tasks == (task_range{7, 2}));
          CAF_CHECK(move.report_late);
          CAF_CHECK_EQUAL(move.budgeted, again);
          CAF_CHECK(!move.retried && !move.lost);
          CAF_CHECK(move.outputs == (std::vector<std::string>{"{}", "1"}));
          CAF_CHECK_EQUAL(move.error, exit_failure().error);
          CAF_CHECK_EQUAL(move.events.size(), again ? 1u : 2u);
          CAF_CHECK(move.events[0].kind == event_kind::task_failed);
          CAF_CHECK_EQUAL(move.events[0].retries, again);
          const auto details = parse_event(move.events[0].payload);
          CAF_CHECK_EQUAL(details->error_type, "exit");
          if (again)
            CAF_CHECK(move.delay == milliseconds{100 * (used + 1)});
          else
            CAF_CHECK_EQUAL(because(move), !retryable || listed
                                             ? "non_retryable"
                                           : used >= 2 ? "max_retries"
                                                       : "retry_budget");
        }
}

CAF_TEST(the retry_after of a handler overrides the policy) {
  auto why = exit_failure();
  why.retry_after = milliseconds{42};
  const auto move = rules::plan_failure(
    leased(1, 0), why, {}, policy_of(backoff::fixed, jitter::full, 1000), true,
    0.5);
  CAF_CHECK(move.delay == milliseconds{42});
}

CAF_TEST(an error is the details with type message and attempt) {
  const auto error = json::parse(
    rules::error_text("exit", "exit 1", 3, json{{"exit_code", 1}}));
  CAF_CHECK_EQUAL(error["type"], "exit");
  CAF_CHECK_EQUAL(error["message"], "exit 1");
  CAF_CHECK_EQUAL(error["attempt"], 3);
  CAF_CHECK_EQUAL(error["exit_code"], 1);
  CAF_CHECK_EQUAL(rules::error_text("a", "b", 1, json{7}),
                  R"({"attempt":1,"message":"b","type":"a"})");
  CAF_CHECK_EQUAL(rules::error_text("a", "b", 1),
                  R"({"attempt":1,"message":"b","type":"a"})");
}

CAF_TEST(a measured duration goes into the move and its event) {
  const milliseconds ran{250};
  const auto done = rules::plan_success(leased(2, 1), {}, ran);
  CAF_CHECK(done.ran == ran);
  CAF_CHECK_EQUAL(done.events.at(0).payload, R"({"attempt":2,"took_ms":250})");
  const auto bad = rules::plan_failure(
    leased(2, 1), exit_failure(), {},
    policy_of(backoff::fixed, jitter::none, 1000), true, 0, ran);
  CAF_CHECK(bad.ran == ran);
  CAF_CHECK(parse_event(bad.events.at(0).payload)->took_ms == 250);
}

CAF_TEST(success and retry) {
  const auto done = rules::plan_success(leased(2, 1), {"[1]", ""});
  CAF_CHECK(done.from == task_state::running);
  CAF_CHECK(done.to == task_state::succeeded);
  CAF_CHECK(done.outputs == (std::vector<std::string>{"[1]", ""}));
  CAF_CHECK_EQUAL(done.attempt, 2);
  CAF_CHECK(done.ran.count() < 0);
  CAF_CHECK(done.report_late);
  CAF_CHECK_EQUAL(done.events.at(0).payload, R"({"attempt":2})");
  auto waiting = leased(2, 1);
  waiting.state = task_state::retrying;
  const auto again = rules::plan_retry(waiting);
  CAF_CHECK(again.from == task_state::retrying);
  CAF_CHECK(again.to == task_state::pending);
  CAF_CHECK(again.tasks == waiting.tasks);
  CAF_CHECK(again.retried && !again.lost && !again.budgeted);
  CAF_CHECK(again.delay == milliseconds{0});
  CAF_CHECK_EQUAL(again.events.at(0).payload, R"({"retry_count":2})");
}

CAF_TEST(budgets) {
  run_record run;
  const auto left = [&](count_or_percent budget, std::int64_t retries) {
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
