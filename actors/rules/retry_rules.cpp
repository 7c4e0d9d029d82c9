#include "actors/rules/retry_rules.hpp"

#include <algorithm>
#include <cmath>

namespace conductor::rules {

namespace {

task_move from_running(const task_brief& leased, task_state to, timestamp now) {
  return {.run = leased.run,
          .parent = leased.parent,
          .tasks = {leased.key, 1},
          .from = task_state::running,
          .attempt = leased.attempt,
          .to = to,
          .at = now};
}

json error_of(const failure& why, std::int32_t attempt) {
  json error = why.details.is_object() ? why.details : json::object();
  error["type"] = why.type;
  error["message"] = why.message;
  error["attempt"] = attempt;
  return error;
}

/// Why no retry follows; empty if one does.
std::string no_retry_because(const task_brief& leased, const failure& why,
                             const retry_policy& policy, bool budget) {
  const auto& never = policy.non_retryable;
  if (!why.retryable
      || std::find(never.begin(), never.end(), why.type) != never.end())
    return "non_retryable";
  if (leased.retry_count >= policy.max_retries)
    return "max_retries";
  return budget ? "" : "retry_budget";
}

} // namespace

milliseconds retry_delay(const retry_policy& policy, std::int32_t n,
                         double random) {
  if (policy.delay.count() == 0)
    return milliseconds{0}; // also where the factor's power is infinite
  auto ms = static_cast<double>(policy.delay.count());
  if (policy.backoff == backoff::linear)
    ms *= n;
  else if (policy.backoff == backoff::exponential)
    ms *= std::pow(policy.factor, n - 1);
  ms = std::min(ms, static_cast<double>(policy.max_delay.count()));
  if (policy.jitter == jitter::full)
    ms *= random;
  else if (policy.jitter == jitter::equal)
    ms = ms / 2 + ms / 2 * random;
  return milliseconds{std::llround(ms)};
}

task_move plan_success(const task_brief& leased, std::string output,
                       timestamp now) {
  auto move = from_running(leased, task_state::succeeded, now);
  if (!output.empty())
    move.outputs.push_back(std::move(output));
  // Written by hand: there are as many of these as tasks.
  move.events.push_back(
    {event_kind::task_succeeded,
     "{\"attempt\":" + std::to_string(leased.attempt) + "}"});
  return move;
}

task_move plan_failure(const task_brief& leased, const failure& why,
                       std::string output, const retry_policy& policy,
                       bool budget_left, timestamp now, double random) {
  const auto because = no_retry_because(leased, why, policy, budget_left);
  auto move = from_running(
    leased, because.empty() ? task_state::retrying : task_state::failed, now);
  const auto error = error_of(why, leased.attempt);
  move.error = dump(error);
  if (!output.empty())
    move.outputs.push_back(std::move(output));
  json payload{{"attempt", leased.attempt}, {"error", error}};
  if (because.empty()) {
    const auto delay = why.retry_after
                         ? *why.retry_after
                         : retry_delay(policy, leased.retry_count + 1, random);
    move.until = now + delay;
    payload["retry_at"] = to_iso(move.until);
  }
  move.events.push_back({event_kind::task_failed, dump(payload)});
  if (!because.empty())
    move.events.push_back({event_kind::task_retries_exhausted,
                           dump({{"retry_count", leased.retry_count},
                                 {"max_retries", policy.max_retries},
                                 {"because", because}})});
  return move;
}

task_move plan_retry(const task_brief& waiting, timestamp now) {
  task_move move{.run = waiting.run,
                 .parent = waiting.parent,
                 .tasks = {waiting.key, 1},
                 .from = task_state::retrying,
                 .attempt = waiting.attempt,
                 .to = task_state::pending,
                 .at = now,
                 .until = now,
                 .retried = true};
  move.events.push_back({event_kind::task_retried,
                         dump({{"retry_count", waiting.retry_count + 1}})});
  return move;
}

bool budget_left(const run_record& run, std::int64_t tasks_of_run) {
  const auto& budget = run.retry_budget;
  const auto bounded = budget.percent > 0 || budget.count >= 0;
  return !bounded || run.retries < budget.of(tasks_of_run);
}

} // namespace conductor::rules
