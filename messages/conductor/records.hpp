#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <conductor/ids.hpp>
#include <conductor/inspect.hpp>
#include <conductor/run_spec.hpp>
#include <conductor/state.hpp>
#include <conductor/time.hpp>

namespace conductor {

/// Consecutive tasks: keys first … first + count - 1.
struct task_range {
  task_key first = 0;
  std::int64_t count = 0;

  task_key end() const { return first + count; }
  bool contains(task_key t) const { return t >= first && t < end(); }
  CONDUCTOR_MESSAGE(task_range, x.first, x.count)
};

/// How many tasks are in each state. Children that a fan-out has yet to create
/// count as `not_created`.
struct state_counts {
  std::int64_t not_created = 0, pending = 0, running = 0, retrying = 0;
  std::int64_t succeeded = 0, failed = 0, cancelled = 0;

  std::int64_t settled() const { return succeeded + failed + cancelled; }
  std::int64_t total() const {
    return not_created + pending + running + retrying + settled();
  }
  state_counts& operator+=(const state_counts& y);
  std::int64_t& operator[](task_state s);
  CONDUCTOR_MESSAGE(state_counts, x.not_created, x.pending, x.running,
                    x.retrying, x.succeeded, x.failed, x.cancelled)
};

/// Why nothing of a run, or below a parent, is leased, fanned out or retried
/// any more. What has not settled is ended.
enum class fence : std::uint8_t {
  none,
  cancel,   ///< by hand
  deadline, ///< the run's has passed
};

/// A run as the store holds it.
struct run_record {
  run_key key = 0;
  std::string id;
  std::string name;
  run_state state = run_state::pending;
  std::string meta = "{}"; ///< JSON object
  std::string idempotency_key;
  timestamp created_at{}, updated_at{}, started_at{}, finished_at{};
  task_key first_task = 0;                               ///< top-level tasks
  std::int64_t tasks = 0;                                ///< are consecutive
  std::int64_t succeeded = 0, failed = 0, cancelled = 0; ///< of those, settled
  std::int64_t retries = 0; ///< retries scheduled in the whole run
  count_or_percent retry_budget{-1, 0};
  std::int64_t skipped = 0; ///< of `cancelled`: their condition was not met
  std::int32_t priority = default_priority;
  bool paused = false;
  conductor::fence fence = conductor::fence::none;
  timestamp deadline{};           ///< none if there is none
  milliseconds deadline_delay{0}; ///< after the submission, if given so

  /// Whether its tasks may be leased, fanned out and retried.
  bool works() const {
    return !settled(state) && !paused && fence == conductor::fence::none;
  }
  /// Of the top-level tasks.
  std::int64_t settled_tasks() const { return succeeded + failed + cancelled; }

  CONDUCTOR_MESSAGE(run_record, x.key, x.id, x.name, x.state, x.meta,
                    x.idempotency_key, x.created_at, x.updated_at, x.started_at,
                    x.finished_at, x.first_task, x.tasks, x.succeeded, x.failed,
                    x.cancelled, x.retries, x.retry_budget, x.skipped,
                    x.priority, x.paused, x.fence, x.deadline, x.deadline_delay)
};

/// A task as people see it.
struct task_record {
  task_key key = 0;
  std::string id, run_id, parent_task_id;
  run_key run = 0;
  task_key parent = 0;    ///< 0 for a top-level task
  std::int64_t index = 0; ///< 1-based place among the children; 0 if top-level
  std::string name, handler;
  task_state state = task_state::pending;
  std::int32_t attempt = 0; ///< leases taken so far
  std::int32_t retry_count = 0, lost_count = 0, max_retries = 0;
  timestamp created_at{}, started_at{}, updated_at{};
  timestamp due_at{};         ///< of a leaf that waits for its time; else none
  timestamp not_before{};     ///< as it was submitted
  std::int64_t waits_for = 0; ///< tasks (and its time) that it still waits for
  bool skipped = false;       ///< CANCELLED because its condition was not met
  std::string input, output, last_error; ///< JSON texts; empty = none

  CONDUCTOR_MESSAGE(task_record, x.key, x.id, x.run_id, x.parent_task_id, x.run,
                    x.parent, x.index, x.name, x.handler, x.state, x.attempt,
                    x.retry_count, x.lost_count, x.max_retries, x.created_at,
                    x.started_at, x.updated_at, x.due_at, x.not_before,
                    x.waits_for, x.skipped, x.input, x.output, x.last_error)
};

/// A parent's progress: how many of its children exist, and their states.
struct parent_record {
  task_key task = 0;
  run_key run = 0;
  task_state state = task_state::pending;
  task_key base = 0;           ///< key of child 1
  std::int64_t total = 0;      ///< children there will be
  std::int64_t expanded = 0;   ///< children created so far: 1 … expanded
  list_key items = 0;          ///< the children's items; 0 = derived
  std::string expansion_error; ///< JSON; set if the expansion ended early
  bool ready = true;           ///< nothing that it waits for is left
  conductor::fence fence = conductor::fence::none;
  state_counts children; ///< `pending` and `not_created` are derived

  task_range range() const { return {base, expanded}; }
  CONDUCTOR_MESSAGE(parent_record, x.task, x.run, x.state, x.base, x.total,
                    x.expanded, x.items, x.expansion_error, x.ready, x.fence,
                    x.children)
};

/// One task that waits for another, both of the top level of one run.
struct dependency {
  task_key task = 0, dependent = 0;
  condition when = condition::succeeded;

  CONDUCTOR_MESSAGE(dependency, x.task, x.dependent, x.when)
};

/// What a top-level task, and with it its children, was submitted as.
struct task_template {
  task_key task = 0;
  run_key run = 0;
  std::string run_id;
  timestamp created_at{}; ///< the time in the ids of the task and its children
  task_key base = 0;      ///< key of child 1; 0 for a leaf
  list_key items = 0;     ///< of the children; 0 = derived
  task_spec spec; ///< without the items of a list, and without dependencies

  CONDUCTOR_MESSAGE(task_template, x.task, x.run, x.run_id, x.created_at,
                    x.base, x.items, x.spec)
};

/// Consecutive tasks of one parent (or top-level tasks of one run) with equal
/// state and counters. What the engine plans with: a rule turns groups into
/// moves of whole groups.
struct task_group {
  run_key run = 0;
  task_key parent = 0; ///< 0 for top-level tasks
  task_range tasks;
  task_state state = task_state::pending;
  std::int32_t attempt = 0, retry_count = 0, lost_count = 0;
  timestamp due{}; ///< when they fall due, if they wait for that

  CONDUCTOR_MESSAGE(task_group, x.run, x.parent, x.tasks, x.state, x.attempt,
                    x.retry_count, x.lost_count, x.due)
};

/// The engine that works on the store, or was the last to.
struct engine_record {
  std::int64_t epoch = 0; ///< openings so far
  std::int64_t pid = 0;
  bool closed = true; ///< it has ended in good order
  timestamp started_at{};
  std::uint64_t commits = 0;
  std::string report; ///< JSON of its last `engine_report`

  CONDUCTOR_MESSAGE(engine_record, x.epoch, x.pid, x.closed, x.started_at,
                    x.commits, x.report)
};

} // namespace conductor
