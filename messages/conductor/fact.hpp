#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>
#include <conductor/storage_state.hpp>

/// Facts: what has been committed. They leave the persistence actor after the
/// commit, one `committed` for a whole batch, in ranges rather than tasks.
namespace conductor {

/// A range of tasks that has moved.
struct task_transition {
  run_key run = 0;
  task_key parent = 0;
  task_range tasks;
  task_state from{}, to{};
  std::int32_t attempt = 0; ///< leases taken, after the move
  timestamp due{};          ///< of a retry

  CONDUCTOR_MESSAGE(task_transition, x.run, x.parent, x.tasks, x.from, x.to,
                    x.attempt, x.due)
};

/// One commit as everyone but its authors hears of it.
struct committed {
  /// Of the commit. A batch that changes nothing, such as a claim that finds
  /// nothing, is no commit and has the number of the one before.
  std::uint64_t number = 0;
  timestamp at{};
  std::vector<submitted_run> runs;
  std::vector<parent_record> parents; ///< as they stand after the commit
  std::vector<run_record> progress;   ///< runs as they stand after the commit
  std::vector<task_transition> moves;
  std::vector<event_span> events;
  std::vector<run_key> updated; ///< paused, continued, fenced, changed
  /// The soonest `not_before` or deadline of what was submitted; none if no
  /// task waits for a time.
  timestamp waits_until{};
  bool due = false; ///< tasks may be claimed that could not be before

  CONDUCTOR_MESSAGE(committed, x.number, x.at, x.runs, x.parents, x.progress,
                    x.moves, x.events, x.updated, x.waits_until, x.due)
};

/// A committed fact as actors pass it on: shared, never copied.
using shared_fact = std::shared_ptr<const committed>;

} // namespace conductor
