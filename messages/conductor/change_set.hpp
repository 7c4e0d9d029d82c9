#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/event.hpp>
#include <conductor/inspect.hpp>
#include <conductor/records.hpp>

/// Intents: what a rule wants changed. Every change of state is part of one
/// change set, is committed once, with its events in the same transaction.
/// Parts are applied in order. A part whose guard does not hold is refused,
/// changes nothing and is reported; the other parts stand. The store dates a
/// part with the time of its commit.
namespace conductor {

/// One task of a submission.
struct task_submission {
  task_spec spec;          ///< without the items of a list
  std::int64_t total = -1; ///< children; -1 for a leaf
  list_key items = 0;      ///< of the children; 0 = derived
  /// Places of the tasks that it waits for among those of the submission, each
  /// once. There must be no cycle.
  std::vector<std::int32_t> after;

  CONDUCTOR_MESSAGE(task_submission, x.spec, x.total, x.items, x.after)
};

/// Creates a run with its top-level tasks. If the `idempotency_key` is known
/// already, nothing is created and the known run is the answer.
struct submission {
  std::string name;
  std::string meta = "{}";
  std::string idempotency_key;
  count_or_percent retry_budget{-1, 0};
  moment deadline;
  std::int32_t priority = default_priority;
  std::vector<task_submission> tasks;

  CONDUCTOR_MESSAGE(submission, x.name, x.meta, x.idempotency_key,
                    x.retry_budget, x.deadline, x.priority, x.tasks)
};

/// Names what the submission before it in the same change set creates. Parts
/// that name the new run are dropped if the submission finds a known one.
constexpr run_key new_run = -1;
constexpr task_key new_task(std::int64_t place) {
  return -1 - place;
}

/// Writes items of a list: the JSON texts of items `first`, `first` + 1, … of
/// `list`, or of a new list that the answer names if `list` is 0.
/// Lists that no task uses are removed when an engine opens the store.
struct append_items {
  list_key list = 0;
  std::int64_t first = 0; ///< counted from 0
  std::vector<std::string> items;

  CONDUCTOR_MESSAGE(append_items, x.list, x.first, x.items)
};

/// Removes a list that no task uses.
struct drop_items {
  list_key list = 0;

  CONDUCTOR_MESSAGE(drop_items, x.list)
};

/// An event that comes with no change of state; of the run if `task` is 0.
struct append_event {
  run_key run = 0;
  task_key task = 0;
  event_entry event;

  CONDUCTOR_MESSAGE(append_event, x.run, x.task, x.event)
};

/// Creates children first … first + count - 1 of a parent.
/// Guard: the parent is PENDING and ready, its expansion has not ended, first -
/// 1 children exist, and (to create any) neither it nor its run is fenced, and
/// its run is not paused.
struct expand_parent {
  run_key run = 0;
  task_key parent = 0;
  std::int64_t first = 1, count = 0; ///< 1-based index
  /// JSON; set: the expansion ends here, with the children that exist.
  std::string expansion_error;
  /// The expansion ends here without an error. A manual retry resumes it.
  bool ends = false;
  /// Written before and after the children's own events, if it is applied.
  std::vector<append_event> before, after;

  CONDUCTOR_MESSAGE(expand_parent, x.run, x.parent, x.first, x.count,
                    x.expansion_error, x.ends, x.before, x.after)
};

/// Moves consecutive tasks of one parent from one state to another.
/// Guard: each is in state `from` with `attempt` leases taken, and leased by
/// this engine if `from` is RUNNING (unless `lost`). While a fence stands only
/// its own moves and cancellations hold; no retry begins in a paused run.
///
/// What a top-level task settles as decides on those that wait for it: they
/// fall due, or are CANCELLED in the same commit (`task_skipped`).
struct move_tasks {
  run_key run = 0;
  task_key parent = 0; ///< 0 for top-level tasks
  task_range tasks;
  task_state from = task_state::pending;
  std::int32_t attempt = 0;
  task_state to = task_state::pending;
  /// To retrying: how long after the commit the retry falls due. Otherwise 0.
  milliseconds delay{0};
  /// How long before the commit the attempt began, where that is known better
  /// than by the time of its lease; negative = as leased.
  milliseconds ran{-1};
  bool retried = false;  ///< retry_count + 1
  bool lost = false;     ///< lost_count + 1
  bool budgeted = false; ///< the run's retries + 1
  bool fenced = false;   ///< made by the fence that stands
  /// JSON texts, one for each task, "" = leave; none = leave all.
  std::vector<std::string> outputs;
  std::string error; ///< JSON text; empty = leave
  std::vector<event_entry> events;
  /// Written for each task that is refused, unless it is in state `to` with
  /// this attempt already. The store fills in the reason.
  bool report_late = false;

  CONDUCTOR_MESSAGE(move_tasks, x.run, x.parent, x.tasks, x.from, x.attempt,
                    x.to, x.delay, x.ran, x.retried, x.lost, x.budgeted,
                    x.fenced, x.outputs, x.error, x.events, x.report_late)
};

/// Moves a run. Guard: it is in state `from`, and to be settled all of its
/// top-level tasks are.
struct move_run {
  run_key run = 0;
  run_state from = run_state::pending, to = run_state::running;
  std::vector<event_entry> events;

  CONDUCTOR_MESSAGE(move_run, x.run, x.from, x.to, x.events)
};

/// Pauses a run, lets it continue, sets its fence, priority or deadline.
/// Guard: the run has not settled and something changes; a fence stays as it
/// is once it is set.
struct update_run {
  run_key run = 0;
  std::optional<bool> paused;
  conductor::fence fence = conductor::fence::none; ///< none = leave
  std::int32_t priority = 0;                       ///< 0 = leave
  moment deadline; ///< from now; not set = leave
  std::vector<event_entry> events;

  CONDUCTOR_MESSAGE(update_run, x.run, x.paused, x.fence, x.priority,
                    x.deadline, x.events)
};

/// Pauses all runs, those of the future included, or lets all continue.
/// Writes `run.paused` or `run.unpaused` for each open run that this changes.
struct pause_all {
  bool paused = true;

  CONDUCTOR_MESSAGE(pause_all, x.paused)
};

/// Changes what a top-level task and its children go by, or fences a parent.
/// Guard: the task has not settled.
struct update_task {
  run_key run = 0;
  task_key task = 0;
  std::optional<count_or_percent> tolerate;
  std::optional<std::int64_t> max_concurrency;     ///< 0 = no bound
  std::int32_t priority = 0;                       ///< 0 = leave
  conductor::fence fence = conductor::fence::none; ///< none = leave
  std::vector<event_entry> events;

  CONDUCTOR_MESSAGE(update_task, x.run, x.task, x.tolerate, x.max_concurrency,
                    x.priority, x.fence, x.events)
};

/// Releases tasks whose `not_before` has come, at most `limit` of them.
struct release_tasks {
  std::int64_t limit = 0;

  CONDUCTOR_MESSAGE(release_tasks, x.limit)
};

/// How many tasks of a handler may be leased.
struct handler_room {
  std::string handler;
  std::int64_t tasks = 0;
  /// Only children of this parent, whose turn it need not be and which does not
  /// lose it; 0 = any tasks of the handler. A parent whose tasks are known to
  /// be short may be leased ahead, one whose tasks are long must not.
  task_key parent = 0;

  CONDUCTOR_MESSAGE(handler_room, x.handler, x.tasks, x.parent)
};

/// Asks for tasks to execute. The store grants what is due, within the rooms,
/// the limit and the parents' `max_concurrency`: handlers in the order given;
/// of each the first priority that has tasks, but every tenth lease the one
/// that waits longest; of a priority the runs in turn, beginning after the one
/// that was served last; of a run its tasks by key. A run that is PENDING
/// starts. The grants are part of the answer.
struct claim_tasks {
  std::vector<handler_room> rooms;
  std::int64_t limit = 0; ///< tasks in all

  CONDUCTOR_MESSAGE(claim_tasks, x.rooms, x.limit)
};

/// A pass of a role: for each run of which a later part of the change set
/// moves something, the event `started` before it and `finished`, with the
/// numbers of what was moved, after all parts.
struct pass_events {
  enum class kind : std::uint8_t { aggregate, retry };
  kind of = kind::aggregate;

  CONDUCTOR_MESSAGE(pass_events, x.of)
};

/// What the engine says of itself (JSON), kept until the next one.
struct engine_report {
  std::string text;

  CONDUCTOR_MESSAGE(engine_report, x.text)
};

using change = std::variant<submission, append_items, drop_items, append_event,
                            expand_parent, move_tasks, move_run, claim_tasks,
                            pass_events, engine_report, update_run, pause_all,
                            update_task, release_tasks>;

struct change_set {
  std::vector<change> parts;

  bool empty() const { return parts.empty(); }
  /// Appends a part and returns it.
  template <class Part>
  Part& add(Part part) {
    return std::get<Part>(parts.emplace_back(std::move(part)));
  }
  /// Whether it is part of a submission (a run, or items of a list): such a
  /// change set may be rejected when the engine is busy or the disk is full;
  /// all others wait.
  bool submits() const;

  friend bool operator==(const change_set&, const change_set&) = default;
};

/// A part that was not applied because its guard did not hold, and how the
/// first task (or the run, then `task` is 0) that it names stands. A range of
/// tasks may be refused in part: then there is a refusal per task.
struct refusal {
  std::size_t part = 0; ///< its place in the change set
  task_key task = 0;
  std::int32_t planned_attempt = 0;
  task_state planned = task_state::pending; ///< the state it was to move to
  task_state state = task_state::pending;
  std::int32_t attempt = 0;

  CONDUCTOR_MESSAGE(refusal, x.part, x.task, x.planned_attempt, x.planned,
                    x.state, x.attempt)
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
  error failed;   ///< set: nothing of the change set is in the database
  timestamp at{}; ///< of the commit
  std::vector<submitted_run> runs; ///< one for each submission, in order
  std::vector<list_key> lists;     ///< one for each `append_items`, in order
  std::vector<task_group> granted; ///< by `claim_tasks`; RUNNING
  std::vector<refusal> refusals;
  /// Tasks (children created or moved) and runs that were moved.
  std::int64_t tasks_changed = 0, runs_changed = 0;

  CONDUCTOR_MESSAGE(commit_reply, x.failed, x.at, x.runs, x.lists, x.granted,
                    x.refusals, x.tasks_changed, x.runs_changed)
};

} // namespace conductor
