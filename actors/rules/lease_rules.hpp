#pragma once

#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// Leases: who may execute what until when.
namespace conductor::rules {

/// PENDING → RUNNING for consecutive tasks of one parent that have taken the
/// same number of leases.
task_move plan_claim(const task_brief& first, std::int64_t count, timestamp now,
                     timestamp deadline);

/// What becomes of a RUNNING task whose worker is gone: back to PENDING at once
/// and at no cost, or FAILED for good at its `max_lost`-th lost lease.
std::vector<task_move> plan_lost_lease(const task_brief& leased,
                                       std::int32_t max_lost, timestamp now);

/// The same for a worker that stops in good order: it is counted too, but fails
/// nothing.
std::vector<task_move> plan_give_back(const task_brief& leased, timestamp now);

/// Not yet settled → CANCELLED, for the reason given.
task_move plan_cancel(const task_brief& task, task_state from,
                      const std::string& reason, timestamp now);

/// What a refused outcome means to the worker that sent it.
enum class late_reason : std::uint8_t {
  duplicate,     ///< the same outcome was accepted before: all is well
  stale_attempt, ///< a newer attempt has been leased since
  lease_expired, ///< the lease was lost; the task waits for another
  cancelled,
  already_settled,
};
late_reason judge(const refusal& refused);
const char* to_string(late_reason reason);

/// The event for an outcome that came too late; none for a duplicate.
std::vector<note> plan_late_results(run_key run,
                                    const std::vector<refusal>& refused,
                                    timestamp now);

/// Merges moves of neighbouring tasks that have all else in common, so that
/// the store is told of ranges. Moves must be sorted by their first task.
void merge_ranges(std::vector<task_move>& moves);

} // namespace conductor::rules
