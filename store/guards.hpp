#pragma once

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

namespace conductor {

/// The guard of a run's move, the same in every store.
inline bool may_move(const run_record& run, const run_move& planned) {
  return run.state == planned.from
         && (!settled(planned.to) || run.settled_tasks() == run.tasks);
}

/// Puts the keys of what the submission created in their places, or drops the
/// parts that wait for them.
void place(change_set& changes, const submitted_run& created);

} // namespace conductor
