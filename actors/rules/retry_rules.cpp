#include "actors/rules/retry_rules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <conductor/event_payload.hpp>

namespace conductor::rules {

namespace {

move_tasks from_running(const task_group& leased, task_state to,
                        std::vector<std::string> outputs,
                        std::optional<milliseconds> ran) {
  move_tasks move{.run = leased.run,
                  .parent = leased.parent,
                  .tasks = leased.tasks,
                  .from = task_state::running,
                  .attempt = leased.attempt,
                  .to = to};
  move.ran = ran.value_or(move.ran);
  move.outputs = std::move(outputs);
  move.report_late = true;
  return move;
}

/// Why no retry follows; empty if one does.
std::string_view no_retry_because(const task_group& leased, const failure& why,
                                  const retry_policy& policy, bool budget) {
  const auto& never = policy.non_retryable;
  if (!why.retryable
      || std::find(never.begin(), never.end(), why.type) != never.end())
    return reason::non_retryable;
  if (leased.retry_count >= policy.max_retries)
    return reason::max_retries;
  return budget ? std::string_view{} : reason::retry_budget;
}

} // namespace

std::string error_text(const std::string& type, const std::string& message,
                       std::int32_t attempt, json details) {
  auto error = details.is_object() ? std::move(details) : json::object();
  error["type"] = type;
  error["message"] = message;
  error["attempt"] = attempt;
  return dump(error);
}

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

move_tasks plan_success(const task_group& leased,
                        std::vector<std::string> outputs,
                        std::optional<milliseconds> ran) {
  auto move
    = from_running(leased, task_state::succeeded, std::move(outputs), ran);
  move.events.push_back(task_succeeded(leased.attempt, ran));
  return move;
}

move_tasks plan_failure(const task_group& leased, const failure& why,
                        std::vector<std::string> outputs,
                        const retry_policy& policy, bool budget_left,
                        double random, std::optional<milliseconds> ran) {
  const auto because = no_retry_because(leased, why, policy, budget_left);
  const auto retries = because.empty();
  auto move
    = from_running(leased, retries ? task_state::retrying : task_state::failed,
                   std::move(outputs), ran);
  move.error = why.error;
  move.events.push_back(task_failed(leased.attempt, why.error, retries, ran));
  if (retries) {
    move.budgeted = true;
    move.delay = why.retry_after.value_or(
      retry_delay(policy, leased.retry_count + 1, random));
  } else {
    move.events.push_back(
      task_retries_exhausted(leased.retry_count, policy.max_retries, because));
  }
  return move;
}

move_tasks plan_retry(const task_group& waiting) {
  move_tasks move{.run = waiting.run,
                  .parent = waiting.parent,
                  .tasks = waiting.tasks,
                  .from = task_state::retrying,
                  .attempt = waiting.attempt,
                  .to = task_state::pending};
  move.retried = true;
  move.events.push_back(task_retried(waiting.retry_count + 1));
  return move;
}

std::int64_t retries_left(const run_record& run, std::int64_t tasks_of_run) {
  const auto& budget = run.retry_budget;
  if (budget.percent <= 0 && budget.count < 0)
    return std::numeric_limits<std::int64_t>::max();
  return std::max<std::int64_t>(budget.of(tasks_of_run) - run.retries, 0);
}

} // namespace conductor::rules
