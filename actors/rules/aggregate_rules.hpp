#pragma once

#include <cstdint>
#include <string>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// Aggregation: parents and runs end when what they are made of has ended.
namespace conductor::rules {

/// Whether a parent's expansion has ended and every child is settled.
bool parent_is_done(const fanout_record& parent);

/// Whether so many children have failed that the rest need not be tried.
bool should_fail_fast(const fanout_record& parent, const task_spec& spec);

/// Ends the expansion of a parent that has failed already.
expansion plan_no_more_children(const fanout_record& parent, timestamp now);

/// What the children of a parent gave, as far as there is room for it.
struct collected_outputs {
  std::string array;        ///< JSON; "" = they are not wanted
  std::int64_t omitted = 0; ///< null in it, for want of room
};

/// PENDING → SUCCEEDED, FAILED or CANCELLED for a parent that is done.
task_move plan_parent(const fanout_record& parent, const task_spec& spec,
                      const collected_outputs& outputs, timestamp now);

/// PENDING → RUNNING: its first task is fanned out or leased.
run_move plan_run_start(run_key run, timestamp now);

/// Whether all top-level tasks of an unsettled run are settled.
bool run_is_done(const run_record& run);

/// A run as it will stand when a top-level task of it has moved to `to`.
run_record after_task(run_record run, task_state to);

/// RUNNING → SUCCEEDED, FAILED or CANCELLED for a run that is done.
run_move plan_run(const run_record& run, timestamp now);

} // namespace conductor::rules
