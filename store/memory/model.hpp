#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <conductor/lifecycle.hpp>
#include <conductor/store.hpp>

#include "store/claim_turns.hpp"

/// What the reference model keeps; private to store/.
namespace conductor::memory {

struct task_row {
  run_key run = 0;
  task_key parent = 0;
  std::int64_t index = 0; ///< 1-based place among the children
  bool leaf = true;
  task_segment now; ///< a segment of this task alone
  std::string output, error;
};

/// What a top-level task waits for.
struct waiting_row {
  std::int64_t left = 0; ///< tasks that have not settled, and its time
  timestamp not_before{};
  bool held = false; ///< its time has not come
  bool skipped = false;
};

struct kept_span {
  event_span span;
  std::uint64_t hash = 0;
};

/// Everything, as plain values: a copy of a model is a snapshot.
struct model {
  id_space ids;
  std::int64_t epoch = 1;
  std::uint64_t commits = 0;
  timestamp latest{}; ///< of all commits
  std::string engine_report = "[]";
  run_key next_run = 1;
  task_key next_task = 1;
  event_seq next_seq = 1;
  list_key next_list = 1;
  std::map<run_key, run_record> runs;
  std::map<task_key, task_row> tasks;
  std::map<task_key, task_template> templates; ///< of top-level tasks
  std::map<task_key, parent_record> parents;
  std::map<task_key, std::int64_t> reserved; ///< keys for a parent's children
  std::map<task_key, std::vector<dependency>> dependents; ///< by `task`
  std::map<task_key, waiting_row> waiting; ///< that wait, or have waited
  std::map<list_key, std::vector<std::string>> lists;
  std::vector<kept_span> events;           ///< by seq
  std::map<run_key, std::uint64_t> chains; ///< newest hash of each run
  bool all_paused = false;
  std::map<std::string, claim_turns> turns; ///< by handler

  /// What a task, or its parent, was submitted as.
  const task_template& template_of(task_key key, const task_row& row) const {
    return templates.at(row.parent ? row.parent : key);
  }
  /// The first key of a task's siblings.
  task_key block_of(const task_row& row) const {
    return row.parent ? parents.at(row.parent).base
                      : runs.at(row.run).first_task;
  }
  bool uses(list_key list) const;
  /// Whether tasks beside this one may be leased and retried.
  bool works(const task_row& row) const {
    const auto& run = runs.at(row.run);
    return !run.paused && run.fence == fence::none
           && (!row.parent || parents.at(row.parent).fence == fence::none);
  }
};

/// A model that a store and its readers share.
struct shared_model {
  std::mutex mutex; ///< held by every public call
  model current;
};

/// Applies a batch and says what it led to.
batch_result apply(model& m, std::span<const change_set> batch, timestamp now);

task_group group_of(task_key key, const task_row& row);
/// Appends a task to the last group if it is next to it with everything equal
/// and the group is not full, or else as a group of its own.
void join(std::vector<task_group>& groups, const task_group& task);
std::string task_name(const model& m, task_key key, const task_row& row);
/// The item of a child in its parent's list; "" if it has none there.
std::string item_in_list(const model& m, const task_row& row);
task_record to_record(const model& m, task_key key, const task_row& row);
/// Event number `i` (from 0) of a span.
event_record to_record(const model& m, const kept_span& kept, std::int64_t i);

// What readers answer by looking at everything, see `store_reader`.
std::vector<run_record> find_runs(const model& m, const run_query& query);
std::vector<task_record> find_tasks(const model& m, const task_query& query);
std::vector<task_group> find_groups(const model& m, const group_query& query);
std::vector<event_record> list_events(const model& m,
                                      const event_filter& filter,
                                      event_seq after, std::size_t limit);
std::vector<event_span> list_event_spans(const model& m, run_key run,
                                         event_seq after, std::size_t limit);
std::optional<timestamp> next_due_at(const model& m);
std::optional<timestamp> last_settled(const model& m, run_key run);
std::vector<std::int64_t> count_events(const model& m,
                                       const std::vector<event_kind>& kinds,
                                       run_key run, timestamp since);
std::vector<handler_count> count_by_handler(const model& m, run_key run);
retry_metrics measure_retries(const model& m, run_key run);
std::vector<error_count> count_errors(const model& m, run_key run,
                                      std::size_t limit);

std::unique_ptr<store_reader> make_reader(std::shared_ptr<shared_model> m);

/// Closes a memory store and opens it again, as another process would: a new
/// epoch, turns forgotten, unused lists removed.
std::unique_ptr<store> reopen(std::unique_ptr<store> memory_store);

} // namespace conductor::memory
