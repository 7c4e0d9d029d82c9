#pragma once

#include <string_view>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// What becomes of leased tasks that are not settled by their own attempt.
namespace conductor::rules {

/// The moves of RUNNING tasks whose engine is gone: back to PENDING without
/// delay and at no cost, or FAILED for good at their `max_lost`-th lost lease.
std::vector<move_tasks> plan_lost_lease(const task_group& leased,
                                        std::int32_t max_lost);

/// The moves of RUNNING tasks that an engine releases in good order: because it
/// has `stopped`, or they have `not_begun`. Back to PENDING; nothing is
/// counted.
std::vector<move_tasks> plan_release(const task_group& leased,
                                     std::string_view because);

/// Not yet settled → CANCELLED, for the reason given.
move_tasks plan_cancel(const task_group& tasks, std::string_view reason);

/// Merges moves of neighbouring tasks that have all else in common. Moves must
/// be sorted by their first task.
void merge_ranges(std::vector<move_tasks>& moves);

} // namespace conductor::rules
