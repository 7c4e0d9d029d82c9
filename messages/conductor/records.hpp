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
/// count as `unborn`.
struct state_counts {
  std::int64_t unborn = 0, pending = 0, running = 0, retrying = 0;
  std::int64_t succeeded = 0, failed = 0, cancelled = 0;

  std::int64_t settled() const { return succeeded + failed + cancelled; }
  std::int64_t total() const {
    return unborn + pending + running + retrying + settled();
  }
  state_counts& operator+=(const state_counts& y);
  std::int64_t& operator[](task_state s);
  CONDUCTOR_MESSAGE(state_counts, x.unborn, x.pending, x.running, x.retrying,
                    x.succeeded, x.failed, x.cancelled)
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
  std::int64_t tasks = 0;                                ///< top-level tasks
  std::int64_t succeeded = 0, failed = 0, cancelled = 0; ///< of those, settled
  std::int64_t retries = 0; ///< retries scheduled in the whole run
  share retry_budget{-1, 0};

  /// Of the top-level tasks.
  std::int64_t settled_tasks() const { return succeeded + failed + cancelled; }

  CONDUCTOR_MESSAGE(run_record, x.key, x.id, x.name, x.state, x.meta,
                    x.idempotency_key, x.created_at, x.updated_at, x.started_at,
                    x.finished_at, x.tasks, x.succeeded, x.failed, x.cancelled,
                    x.retries, x.retry_budget)
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
  timestamp due_at{}; ///< of a task that waits for its time; else none
  std::string input, output, last_error; ///< JSON texts; empty = none

  CONDUCTOR_MESSAGE(task_record, x.key, x.id, x.run_id, x.parent_task_id, x.run,
                    x.parent, x.index, x.name, x.handler, x.state, x.attempt,
                    x.retry_count, x.lost_count, x.max_retries, x.created_at,
                    x.started_at, x.updated_at, x.due_at, x.input, x.output,
                    x.last_error)
};

/// The file that feeds a fan-out, as it was at submission.
struct source_file {
  std::string path;      ///< absolute; empty = no file
  std::int64_t size = 0; ///< bytes
  std::int64_t mtime_ns = 0;
  bool spooled = false; ///< ours: JSON texts, removed after the expansion

  CONDUCTOR_MESSAGE(source_file, x.path, x.size, x.mtime_ns, x.spooled)
};

/// A parent's bookkeeping: the two cursors of its children, and their counts.
struct fanout_record {
  task_key task = 0;
  run_key run = 0;
  task_state state = task_state::pending;
  task_key base = 0;         ///< key of child 1
  std::int64_t total = 0;    ///< children there will be
  std::int64_t expanded = 0; ///< children created so far: 1 … expanded
  std::int64_t claimed = 0;  ///< children that were leased a first time
  std::int64_t offset = 0;   ///< where in the source file the next child is
  source_file source;
  std::string broken;    ///< error (JSON) that ended the expansion early
  state_counts children; ///< `pending` and `unborn` are derived

  task_range range() const { return {base, expanded}; }
  CONDUCTOR_MESSAGE(fanout_record, x.task, x.run, x.state, x.base, x.total,
                    x.expanded, x.claimed, x.offset, x.source, x.broken,
                    x.children)
};

/// What a top-level task, and with it its children, was submitted as.
struct task_origin {
  task_key task = 0;
  run_key run = 0;
  std::string run_id;
  timestamp created_at{}; ///< the time in the ids of the task and its children
  task_key base = 0;      ///< key of child 1; 0 for a leaf
  task_spec spec;

  CONDUCTOR_MESSAGE(task_origin, x.task, x.run, x.run_id, x.created_at, x.base,
                    x.spec)
};

/// What an executor needs of a task that is due or leased.
struct task_brief {
  task_key key = 0;
  run_key run = 0;
  task_key parent = 0;
  std::int32_t attempt = 0, retry_count = 0, lost_count = 0;

  CONDUCTOR_MESSAGE(task_brief, x.key, x.run, x.parent, x.attempt,
                    x.retry_count, x.lost_count)
};

/// A place in the order in which tasks fall due.
struct due_position {
  timestamp at{};
  task_key task = 0;

  auto operator<=>(const due_position&) const = default;
};

/// A task and when it fell due.
struct due_task {
  task_brief task;
  timestamp at{};

  due_position position() const { return {at, task.key}; }
  CONDUCTOR_MESSAGE(due_task, x.task, x.at)
};

/// The engine that works on the store, or was the last to.
struct engine_record {
  std::int64_t epoch = 0; ///< openings so far
  std::int64_t pid = 0;
  bool closed = true; ///< it has ended in good order
  timestamp started_at{};
  std::uint64_t commits = 0;
  std::string report; ///< JSON of its last `change_set::engine_report`

  CONDUCTOR_MESSAGE(engine_record, x.epoch, x.pid, x.closed, x.started_at,
                    x.commits, x.report)
};

/// The right to execute consecutive tasks until a deadline.
struct lease_record {
  task_range tasks;
  timestamp deadline{};
  std::int64_t epoch = 0; ///< of the engine that holds it

  CONDUCTOR_MESSAGE(lease_record, x.tasks, x.deadline, x.epoch)
};

} // namespace conductor
