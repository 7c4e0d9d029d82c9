#pragma once

#include <cstdint>
#include <string>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// Aggregation: parents and runs end when what they are made of has ended.
namespace conductor::rules {

/// Whether a parent's expansion has ended and every child is settled.
bool parent_is_done(const parent_record& parent);

/// Whether so many children have failed that the rest need not be tried.
bool should_fail_fast(const parent_record& parent, const task_spec& spec);

/// Ends the expansion of a parent that has failed already.
expand_parent plan_no_more_children(const parent_record& parent);

/// The outputs of a parent's children, as far as there is room for them.
struct collected_outputs {
  std::string array;        ///< JSON; "" = they are not wanted
  std::int64_t omitted = 0; ///< null in it because they did not fit
};

/// PENDING → SUCCEEDED, FAILED or CANCELLED for a parent that is done. A parent
/// that was cancelled, or whose run was, ends CANCELLED whatever had failed.
move_tasks plan_parent(const parent_record& parent, const task_spec& spec,
                       const collected_outputs& outputs,
                       fence fence_of_run = fence::none);

/// Whether all top-level tasks of an unsettled run are settled.
bool run_is_done(const run_record& run);

/// RUNNING → SUCCEEDED, FAILED or CANCELLED for a run that is done; a PENDING
/// one may be CANCELLED as well.
move_run plan_run(const run_record& run);

} // namespace conductor::rules
