#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/event.hpp>
#include <conductor/inspect.hpp>
#include <conductor/records.hpp>

/// Intents: what a rule wants changed. Every change of state is part of one
/// change set, is committed once, with its events in the same transaction.
/// A part whose guard does not hold is refused and changes nothing; the other
/// parts stand.
namespace conductor {

/// One task of a submission, with what was found out about its source.
struct task_submission {
  task_spec spec;
  source_file source;      ///< of a fan-out over a file
  std::int64_t total = -1; ///< children; -1 for a leaf

  CONDUCTOR_MESSAGE(task_submission, x.spec, x.source, x.total)
};

/// Creates a run with its top-level tasks. With an `idempotency_key` that is
/// known already nothing is created and the known run is answered.
struct submission {
  std::string name;
  std::string meta = "{}";
  std::string idempotency_key;
  share retry_budget{-1, 0};
  std::vector<task_submission> tasks;
  timestamp at{};

  CONDUCTOR_MESSAGE(submission, x.name, x.meta, x.idempotency_key,
                    x.retry_budget, x.tasks, x.at)
};

/// What a change set's only submission creates, for the other parts of the same
/// change set: they take the keys' places once there are any. Where the
/// submission finds a run that is known already, those parts are dropped.
constexpr run_key new_run = -1;
constexpr task_key new_task(std::int64_t place) {
  return -1 - place;
}

/// An event that goes with no change of state.
struct note {
  run_key run = 0;
  task_key task = 0;
  timestamp at{};
  event_entry event;

  CONDUCTOR_MESSAGE(note, x.run, x.task, x.at, x.event)
};

/// Creates children first … first + count - 1 of a parent.
/// Guard: the parent is PENDING and its cursor stands at first - 1.
struct expansion {
  run_key run = 0;
  task_key parent = 0;
  std::int64_t first = 1, count = 0; ///< 1-based index
  std::vector<std::string> items;    ///< JSON texts; empty = item is derived
  std::int64_t offset = 0;           ///< of the source file, after this page
  std::string
    broken; ///< error (JSON): the expansion ends here, with what it has
  timestamp at{};
  std::vector<note> notes; ///< go with it: refused if it is refused

  CONDUCTOR_MESSAGE(expansion, x.run, x.parent, x.first, x.count, x.items,
                    x.offset, x.broken, x.at, x.notes)
};

/// Moves consecutive tasks of one parent from one state to another.
/// Guard: each is in state `from` with `attempt` leases taken.
struct task_move {
  run_key run = 0;
  task_key parent = 0; ///< 0 for a top-level task
  task_range tasks;
  task_state from = task_state::pending;
  std::int32_t attempt = 0;
  task_state to = task_state::pending;
  timestamp at{};
  /// When `to` is running: the lease's deadline. When pending or retrying: the
  /// time the task falls due. Otherwise unused.
  timestamp until{};
  bool retried = false; ///< retry_count + 1
  bool lost = false;    ///< lost_count + 1
  /// JSON texts, one for each task, "" = leave; none = leave all.
  std::vector<std::string> outputs;
  std::string error; ///< JSON text; empty = leave
  std::vector<event_entry> events;

  CONDUCTOR_MESSAGE(task_move, x.run, x.parent, x.tasks, x.from, x.attempt,
                    x.to, x.at, x.until, x.retried, x.lost, x.outputs, x.error,
                    x.events)
};

/// Moves a run. Guard: it is in state `from`, and to be settled all of its
/// top-level tasks are.
struct run_move {
  run_key run = 0;
  run_state from = run_state::pending, to = run_state::running;
  timestamp at{};
  std::vector<event_entry> events;

  CONDUCTOR_MESSAGE(run_move, x.run, x.from, x.to, x.at, x.events)
};

/// Keeps a lease for longer. Guard: the lease is there.
struct lease_extension {
  task_range tasks;
  timestamp deadline{};

  CONDUCTOR_MESSAGE(lease_extension, x.tasks, x.deadline)
};

/// Parts are applied in the order of the members; `leading` notes come before
/// everything else (a pass says that it started), `notes` after.
struct change_set {
  std::vector<submission> submissions;
  std::vector<note> leading;
  std::vector<run_move> run_starts; ///< PENDING → RUNNING, before task moves
  std::vector<expansion> expansions;
  std::vector<task_move> moves;
  std::vector<run_move> run_moves;
  std::vector<task_key> released; ///< leases given up, by their first task
  std::vector<lease_extension> extensions;
  std::vector<note> notes;
  /// What the engine says of itself (JSON), kept until the next one; empty =
  /// leave.
  std::string engine_report;

  bool empty() const;
  CONDUCTOR_MESSAGE(change_set, x.submissions, x.leading, x.run_starts,
                    x.expansions, x.moves, x.run_moves, x.released,
                    x.extensions, x.notes, x.engine_report)
};

/// A task that did not move because its guard did not hold, and how it stands.
struct refusal {
  task_key task = 0;
  std::int32_t planned_attempt = 0;
  task_state planned = task_state::pending; ///< the state it was to move to
  task_state state = task_state::pending;
  std::int32_t attempt = 0;

  CONDUCTOR_MESSAGE(refusal, x.task, x.planned_attempt, x.planned, x.state,
                    x.attempt)
};

/// A run that a submission created, or found by its idempotency key.
struct submitted_run {
  run_key key = 0;
  std::string id;
  bool existed = false;
  task_key first_task = 0; ///< top-level tasks are first_task, + 1, …

  CONDUCTOR_MESSAGE(submitted_run, x.key, x.id, x.existed, x.first_task)
};

/// The answer to a change set, sent after its commit.
struct commit_reply {
  error trouble; ///< set: nothing of the change set is in the database
  std::vector<submitted_run> runs; ///< one for each submission, in order
  std::vector<refusal> refusals;

  CONDUCTOR_MESSAGE(commit_reply, x.trouble, x.runs, x.refusals)
};

} // namespace conductor
