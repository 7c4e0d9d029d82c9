#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/error.hpp>
#include <conductor/fact.hpp>
#include <conductor/records.hpp>
#include <conductor/report.hpp>
#include <conductor/run_spec.hpp>
#include <conductor/time.hpp>

/// What is true. The store applies change sets, guards versions and keeps
/// counters; it knows no reasons.
namespace conductor {

/// Which tasks, the same meaning in every command that filters.
struct task_filter {
  run_key run = 0;                ///< 0 = any
  task_key parent = 0;            ///< 0 = any
  bool top_level = false;         ///< only tasks without a parent
  std::vector<task_state> states; ///< empty = any
  std::string name;               ///< glob pattern (`*`, `?`); empty = any
  std::string error;              ///< type of the last error; empty = any
  bool texts = true; ///< whether input and output are wanted; they may be large
};

struct run_filter {
  std::vector<run_state> states; ///< empty = any
  std::string name;              ///< glob pattern; empty = any
  timestamp since{};             ///< created at or after; none = any
  /// A member of `meta` and its value as text; an empty name = any.
  std::string label, label_value;
};

struct event_filter {
  run_key run = 0;   ///< 0 = any
  task_key task = 0; ///< 0 = any
  std::string name;  ///< glob pattern, or what names begin with; empty = any
};

/// The last error of a task that failed or waits for a retry.
struct task_error {
  task_key task = 0;
  task_state state = task_state::failed; ///< or retrying
  timestamp at{};
  std::string error; ///< JSON text

  CONDUCTOR_MESSAGE(task_error, x.task, x.state, x.at, x.error)
};

/// Reads a store, from one thread at a time. Every call sees one commit whole
/// and keeps no snapshot afterwards. Loads for the engine answer within
/// microseconds; lists for people are paged by key: pass the last key seen.
/// Throws `store_error` when the storage fails.
class store_reader {
public:
  virtual ~store_reader() = default;

  // -- for the engine ---------------------------------------------------------
  virtual id_space ids() = 0;
  virtual std::optional<run_record> load_run(run_key run) = 0;
  virtual std::optional<run_key>
  find_run_by_idempotency_key(const std::string& idempotency_key) = 0;
  /// Unsettled runs with key > after.
  virtual std::vector<run_record> load_open_runs(run_key after,
                                                 std::size_t limit)
    = 0;
  virtual std::optional<fanout_record> load_fanout(task_key parent) = 0;
  /// Parents that are PENDING, with key > after.
  virtual std::vector<fanout_record> load_open_fanouts(task_key after,
                                                       std::size_t limit)
    = 0;
  /// What a task was submitted as; for a child what its parent was.
  virtual std::optional<task_origin> load_origin(task_key task) = 0;
  /// PENDING leaves out of the claim cursors' order whose time has come:
  /// top-level leaves, retried and reopened tasks. By time, from behind
  /// `after`.
  virtual std::vector<due_task> load_due(timestamp now, due_position after,
                                         std::size_t limit)
    = 0;
  /// FAILED unsettled tasks whose retry falls due by `now`, soonest first.
  virtual std::vector<task_brief> load_retries_due(timestamp now,
                                                   std::size_t limit)
    = 0;
  /// When the next retry falls due; none if no task waits.
  virtual std::optional<timestamp> next_retry_at() = 0;
  /// Items (JSON texts) of a range of children, "" where derived.
  virtual std::vector<std::string> load_items(task_range children) = 0;
  /// Leases of other epochs than `epoch`, or with a deadline before `now`.
  virtual std::vector<lease_record>
  load_lost_leases(std::int64_t epoch, timestamp now, std::size_t limit) = 0;
  /// RUNNING tasks in a range.
  virtual std::vector<task_brief> load_running(task_range tasks) = 0;
  /// Outputs (JSON texts) of a range of tasks, "" where there is none.
  virtual std::vector<std::string> load_outputs(task_range tasks) = 0;

  // -- for people -------------------------------------------------------------
  virtual std::optional<run_key> find_run(std::string_view id) = 0;
  virtual std::optional<task_key> find_task(std::string_view id) = 0;
  /// A task by its name within a run, e.g. "hash#12".
  virtual std::optional<task_key> find_task(run_key run, std::string_view name)
    = 0;
  virtual std::optional<task_record> load_task(task_key task) = 0;
  /// Newest first, with key < before (0 = from the newest).
  virtual std::vector<run_record> list_runs(const run_filter& filter,
                                            run_key before, std::size_t limit)
    = 0;
  /// By key, with key > after.
  virtual std::vector<task_record> list_tasks(const task_filter& filter,
                                              task_key after, std::size_t limit)
    = 0;
  /// By seq, with seq > after.
  virtual std::vector<event_record>
  list_events(const event_filter& filter, event_seq after, std::size_t limit)
    = 0;
  /// Leaf tasks of a run (0 = of all) by state; parents are not counted.
  virtual state_counts count_leaves(run_key run) = 0;
  /// Parents of a run, in order.
  virtual std::vector<fanout_record> list_fanouts(run_key run) = 0;

  // -- for the monitor --------------------------------------------------------
  /// RUNNING tasks of a run (0 = of all) whose lease was taken before a moment,
  /// oldest first.
  virtual std::vector<task_record>
  list_stuck(run_key run, timestamp started_before, std::size_t limit) = 0;
  /// Tasks of a run that failed or wait for a retry and have an error. By key,
  /// with key > after.
  virtual std::vector<task_error> list_errors(run_key run, task_key after,
                                              std::size_t limit)
    = 0;
  /// When a leaf of a run has settled last, by its events; none if none has.
  virtual std::optional<timestamp> last_settled(run_key run) = 0;
  /// Settled leaves of a run by the time their last attempt took, longest
  /// first.
  virtual std::vector<task_record> list_slowest(run_key run, std::size_t limit)
    = 0;
  /// Over the leaves of a run (0 = of all).
  virtual retry_metrics measure_retries(run_key run) = 0;
  /// Events of each kind, of a run (0 = of all), since a moment (none = ever).
  virtual std::vector<std::int64_t>
  count_events(const std::vector<event_kind>& kinds, run_key run,
               timestamp since)
    = 0;
  std::int64_t count_events(event_kind kind, run_key run, timestamp since) {
    return count_events(std::vector{kind}, run, since).front();
  }
  /// The newest event's number; 0 if there is none.
  virtual event_seq last_event() = 0;
  /// Leaves of all runs by handler, handlers in alphabetical order.
  virtual std::vector<handler_count> count_by_handler() = 0;
  /// Runs by state.
  virtual state_counts count_runs() = 0;
  /// Since when the leaf has been due that has waited longest; none if no leaf
  /// waits for a worker.
  virtual std::optional<timestamp> oldest_due(timestamp now) = 0;
  virtual engine_record load_engine() = 0;
  /// The events of a run as they are kept: equal ones of consecutive tasks in
  /// one span, payloads left out. By seq, with seq > after. What a picture of a
  /// run of millions is drawn from.
  virtual std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                                   std::size_t limit)
    = 0;
};

/// What a batch of change sets came to.
struct batch_result {
  std::vector<commit_reply> replies; ///< one for each change set, in order
  committed fact;
};

/// Writes a store, from one thread. All methods but `commit` are readers'.
class store {
public:
  virtual ~store() = default;

  /// Applies all change sets in one transaction; those with a submission are
  /// written to. Throws `store_error` when the storage fails: then nothing of
  /// the batch is in the store, unless `store_error::in_doubt`: then the same
  /// must be given again, whole; it is in the store once, whoever did it.
  virtual batch_result commit(std::vector<change_set>& batch) = 0;
  /// The number that marks this opening of the store; leases carry it.
  virtual std::int64_t epoch() const = 0;
  /// Does what has to be done now and then (checkpoint); cheap if nothing.
  virtual void maintain() = 0;
  /// A reader of its own, to be used from any one thread.
  virtual std::unique_ptr<store_reader> open_reader() = 0;
};

/// The storage failed: disk full, damaged, taken over by another engine.
class store_error : public std::exception {
public:
  store_error(error why, bool fatal, bool in_doubt = false)
    : why_(std::move(why)), fatal_(fatal), in_doubt_(in_doubt) {}

  const error& why() const { return why_; }
  /// True if trying again cannot help.
  bool fatal() const { return fatal_; }
  /// True if the commit that failed may have happened all the same.
  bool in_doubt() const { return in_doubt_; }
  const char* what() const noexcept override { return why_.message.c_str(); }

private:
  error why_;
  bool fatal_;
  bool in_doubt_;
};

/// The reference model: a store in memory, slow and obviously right. Readers
/// may be used from any thread.
std::unique_ptr<store> make_memory_store(std::uint64_t salt = 1);

struct sqlite_options {
  std::string path;
  std::uint64_t salt = 0;      ///< of a new database; 0 = random
  int checkpoint_pages = 1000; ///< of WAL between checkpoints
  std::int64_t now_ms = 0;     ///< written into the engine row; for people
  bool create = true;          ///< false: a missing file is an error
};

/// Opens the database for writing and takes its engine lock; creates or
/// migrates it where needed. Errors: locked, not_ours, too_new, corrupt, full,
/// io, not_found.
result<std::unique_ptr<store>> open_sqlite_store(const sqlite_options& options);

/// Removes a database in which nothing was ever submitted, and its lock; one
/// that is in use or holds anything stays.
void discard_unused_database(const std::string& path);

/// Opens the database read-only, beside a running engine or alone.
result<std::unique_ptr<store_reader>>
open_sqlite_reader(const std::string& path);

} // namespace conductor
