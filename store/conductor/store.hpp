#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/error.hpp>
#include <conductor/fact.hpp>
#include <conductor/queries.hpp>
#include <conductor/records.hpp>
#include <conductor/report.hpp>
#include <conductor/time.hpp>

/// What is true. The store applies change sets, guards versions and keeps
/// counters; it knows no reasons.
namespace conductor {

/// One moment for many questions: while it lives, its reader sees one commit.
/// Keep it for less than a second: what it sees cannot be checkpointed away.
class read_snapshot {
public:
  virtual ~read_snapshot() = default;
};

/// Reads a store, from one thread at a time. Every call sees one commit whole;
/// a snapshot makes several calls see the same one. Throws `store_error` when
/// the storage fails.
class store_reader {
public:
  virtual ~store_reader() = default;

  virtual std::unique_ptr<read_snapshot> snapshot() = 0;
  virtual id_space ids() = 0;
  virtual std::vector<run_record> runs(const run_query& query) = 0;
  virtual std::vector<task_record> tasks(const task_query& query) = 0;
  virtual std::vector<parent_record> parents(const parent_query& query) = 0;
  virtual std::vector<task_group> groups(const group_query& query) = 0;
  /// What a task was submitted as; for a child what its parent was.
  virtual std::optional<task_template> load_template(task_key task) = 0;
  /// Texts (JSON) of a range of tasks, "" where there is none; `item` of
  /// children whose items are derived is "" as well.
  virtual std::vector<std::string> texts(text_kind kind, task_range tasks) = 0;
  /// A task by its name within a run, e.g. "hash#12".
  virtual std::optional<task_key> find_task(run_key run, std::string_view name)
    = 0;
  /// By seq, with seq > after.
  virtual std::vector<event_record>
  list_events(const event_filter& filter, event_seq after, std::size_t limit)
    = 0;
  /// The events of a run as they are kept: equal ones of consecutive tasks in
  /// one span, payloads left out. By seq, with seq > after.
  virtual std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                                   std::size_t limit)
    = 0;
  /// The newest event's number; 0 if there is none.
  virtual event_seq last_event() = 0;
  /// When a leaf of a run has settled last, by its events; none if none has.
  virtual std::optional<timestamp> last_settled(run_key run) = 0;
  /// Events of each kind, of a run (0 = of all), since a moment (none = ever).
  virtual std::vector<std::int64_t>
  count_events(const std::vector<event_kind>& kinds, run_key run,
               timestamp since)
    = 0;
  /// Leaf tasks of a run (0 = of all) by handler, in alphabetical order.
  virtual std::vector<handler_count> count_by_handler(run_key run) = 0;
  /// Runs by state.
  virtual state_counts count_runs() = 0;
  /// Over the leaves of a run (0 = of all).
  virtual retry_metrics measure_retries(run_key run) = 0;
  /// Last errors of the leaves of a run, equal ones together, most frequent
  /// first.
  virtual std::vector<error_count> count_errors(run_key run, std::size_t limit)
    = 0;
  /// When the next retry, `not_before` or deadline falls due; none if nothing
  /// waits for a time. Retries wait while their run is paused.
  virtual std::optional<timestamp> next_due_at() = 0;
  /// Which top-level tasks of a run wait, or have waited, for which others; by
  /// `dependent` and `task`.
  virtual std::vector<dependency> dependencies(run_key run) = 0;
  virtual engine_record load_engine() = 0;

  // -- in terms of the above --------------------------------------------------
  std::optional<run_record> load_run(run_key run);
  std::optional<run_key>
  find_run_by_idempotency_key(const std::string& idempotency_key);
  std::vector<run_record> load_open_runs(run_key after, std::size_t limit);
  std::optional<run_key> find_run(std::string_view id);
  std::optional<task_record> load_task(task_key task);
  std::optional<task_key> find_task(std::string_view id);
  std::optional<parent_record> load_parent(task_key parent);
  std::vector<parent_record> load_open_parents(task_key after,
                                               std::size_t limit);
  std::vector<parent_record> list_parents(run_key run);
  std::vector<task_record> list_tasks(const task_filter& filter, task_key after,
                                      std::size_t limit);
  /// Leaf tasks of a run (0 = of all) by state; parents are not counted.
  state_counts count_leaves(run_key run);
  std::int64_t count_events(event_kind kind, run_key run, timestamp since);
  /// Since when the leaf has been due that has waited longest; none if no leaf
  /// waits for a worker.
  std::optional<timestamp> oldest_due(timestamp now);
};

/// What a batch of change sets came to.
struct batch_result {
  std::vector<commit_reply> replies; ///< one for each change set, in order
  committed fact;
};

/// Writes a store, from one thread.
class store {
public:
  virtual ~store() = default;

  /// Applies all change sets in one transaction, dated `now` or the time of
  /// the commit before, whichever is later. Throws `store_error` when the
  /// storage fails: then nothing of the batch is in the store, unless
  /// `store_error::in_doubt`: then the same must be given again, whole; it is
  /// in the store once, whatever happened.
  virtual batch_result commit(std::span<const change_set> batch, timestamp now)
    = 0;
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

/// Removes a database in which nothing was ever submitted; one that is in use
/// or holds anything stays.
void discard_unused_database(const std::string& path);

/// Opens the database read-only, beside a running engine or alone.
result<std::unique_ptr<store_reader>>
open_sqlite_reader(const std::string& path);

} // namespace conductor
