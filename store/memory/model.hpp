#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <conductor/store.hpp>

/// What the reference model keeps; private to store/.
namespace conductor::memory {

struct task_row {
  run_key run = 0;
  task_key parent = 0;
  std::int64_t index = 0;
  task_state state = task_state::pending;
  std::int32_t attempt = 0, retry_count = 0, lost_count = 0;
  timestamp created_at{}, started_at{}, updated_at{}, due_at{};
  std::string item; ///< as stored; empty = derived
  std::string output, error;
};

struct run_row {
  run_record record;
  task_key first_task = 0;
};

struct kept_span {
  event_span span;
  std::uint64_t hash = 0;
};

struct model {
  std::mutex mutex; ///< held by every public call
  id_space ids;
  std::int64_t epoch = 1;
  std::uint64_t commits = 0;
  std::string engine_report = "[]";
  run_key next_run = 1;
  task_key next_task = 1;
  event_seq next_seq = 1;
  std::map<run_key, run_row> runs;
  std::map<std::string, run_key> idempotency_keys;
  std::map<task_key, task_row> tasks;
  std::map<task_key, task_origin> origins;      ///< of top-level tasks
  std::map<task_key, fanout_record> fanouts;    ///< by parent
  std::map<task_key, lease_record> leases;      ///< by first task
  std::vector<kept_span> events;                ///< by seq
  std::map<run_key, std::uint64_t> chains;      ///< newest hash of each run
  std::set<std::pair<timestamp, task_key>> due; ///< tasks with a due time

  /// The top-level task that a row is, or is a child of.
  const task_origin& origin(task_key key, const task_row& row) const {
    return origins.at(row.parent ? row.parent : key);
  }
};

/// Applies a batch and says what became of it.
batch_result apply(model& m, const std::vector<change_set>& batch);

std::string task_name(const model& m, task_key key, const task_row& row);
task_record to_record(const model& m, task_key key, const task_row& row);
/// Event number `i` (from 0) of a span.
event_record to_record(const model& m, const kept_span& kept, std::int64_t i);

// What readers answer by looking at everything, see `store_reader`.
std::vector<event_record> list_events(const model& m,
                                      const event_filter& filter,
                                      event_seq after, std::size_t limit);
state_counts count_leaves(const model& m, run_key run);
std::vector<task_record> list_stuck_tasks(const model& m, run_key run,
                                          timestamp started_before,
                                          std::size_t limit);
std::vector<task_error> list_errors(const model& m, run_key run, task_key after,
                                    std::size_t limit);
std::optional<timestamp> last_settled(const model& m, run_key run);
std::vector<task_record> list_slowest_tasks(const model& m, run_key run,
                                            std::size_t limit);
retry_metrics measure_retries(const model& m, run_key run);
std::vector<std::int64_t> count_events(const model& m,
                                       const std::vector<event_kind>& kinds,
                                       run_key run, timestamp since);
std::vector<handler_count> count_by_handler(const model& m);
std::optional<timestamp> oldest_due(const model& m, timestamp now);
std::vector<event_span> list_event_spans(const model& m, run_key run,
                                         event_seq after, std::size_t limit);

std::unique_ptr<store_reader> make_reader(std::shared_ptr<model> m);

} // namespace conductor::memory
