#pragma once

#include <optional>
#include <string>

#include <conductor/change_set.hpp>
#include <conductor/json_text.hpp>
#include <conductor/policy.hpp>
#include <conductor/records.hpp>

/// What follows from the end of an attempt. Pure: values in, a move out.
namespace conductor::rules {

/// How an attempt failed.
struct failure {
  std::string type;    ///< e.g. "exit", "timeout"
  std::string message; ///< one line for people
  json details;        ///< further members of `last_error`; or null
  bool retryable = true;
  std::optional<milliseconds> retry_after; ///< the handler's own wish
};

/// The delay before retry `n` (n = 1, 2, …): fixed d, linear d·n, exponential
/// d·factor^(n-1), at most max_delay, then jitter with `random` in [0, 1).
milliseconds retry_delay(const retry_policy& policy, std::int32_t n,
                         double random);

/// RUNNING → SUCCEEDED with `output` (JSON text; empty = none).
task_move plan_success(const task_brief& leased, std::string output,
                       timestamp now);

/// RUNNING → FAILED: for good, or until the next attempt. `budget_left`: the
/// run may schedule another retry.
task_move plan_failure(const task_brief& leased, const failure& why,
                       std::string output, const retry_policy& policy,
                       bool budget_left, timestamp now, double random);

/// FAILED (unsettled) → PENDING: the retry has fallen due.
task_move plan_retry(const task_brief& waiting, timestamp now);

/// Whether a run may schedule another retry.
bool budget_left(const run_record& run, std::int64_t tasks_of_run);

} // namespace conductor::rules
