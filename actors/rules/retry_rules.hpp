#pragma once

#include <optional>
#include <string>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/json_text.hpp>
#include <conductor/policy.hpp>
#include <conductor/records.hpp>

/// What follows from the end of attempts. Pure: values in, moves out.
namespace conductor::rules {

/// How an attempt failed.
struct failure {
  std::string type;  ///< of `error`, e.g. "exit" or "timeout"
  std::string error; ///< JSON object, see `error_text`
  bool retryable = true;
  std::optional<milliseconds> retry_after; ///< overrides the policy's delay
};

/// The error of an attempt as `last_error` and `task.failed` hold it: `details`
/// (an object, or null) with `type`, `message` and `attempt`.
std::string error_text(const std::string& type, const std::string& message,
                       std::int32_t attempt, json details = {});

/// The delay before retry `n` (n = 1, 2, …): fixed d, linear d·n, exponential
/// d·factor^(n-1), at most max_delay, then jitter with `random` in [0, 1).
milliseconds retry_delay(const retry_policy& policy, std::int32_t n,
                         double random);

/// RUNNING → SUCCEEDED. `outputs` are JSON texts, one for each task, or none.
/// `ran`: how long the attempt ran, where its lease does not show it.
/// A result that comes too late is recorded.
move_tasks plan_success(const task_group& leased,
                        std::vector<std::string> outputs,
                        std::optional<milliseconds> ran = {});

/// RUNNING → FAILED: for good, or until the next attempt. `budget_left`: the
/// run may schedule another retry for each of these tasks.
move_tasks plan_failure(const task_group& leased, const failure& why,
                        std::vector<std::string> outputs,
                        const retry_policy& policy, bool budget_left,
                        double random, std::optional<milliseconds> ran = {});

/// FAILED (unsettled) → PENDING: the retry has fallen due.
move_tasks plan_retry(const task_group& waiting);

/// How many retries a run may still schedule; huge if nothing bounds them.
std::int64_t retries_left(const run_record& run, std::int64_t tasks_of_run);
inline bool budget_left(const run_record& run, std::int64_t tasks_of_run) {
  return retries_left(run, tasks_of_run) > 0;
}

} // namespace conductor::rules
