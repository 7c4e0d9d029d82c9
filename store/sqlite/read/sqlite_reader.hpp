#pragma once

#include "store/sqlite/connection/database.hpp"
#include "store/sqlite/read/name_walk.hpp"

namespace conductor::sqlite {

/// Reads the tables behind the views, each call in a snapshot of its own.
class sqlite_reader final : public store_reader {
public:
  explicit sqlite_reader(std::unique_ptr<database> db);

  id_space ids() override { return ids_; }
  std::optional<run_record> load_run(run_key run) override;
  std::optional<run_key>
  find_run_by_idempotency_key(const std::string& idempotency_key) override;
  std::vector<run_record> load_open_runs(run_key after,
                                         std::size_t limit) override;
  std::optional<fanout_record> load_fanout(task_key parent) override;
  std::vector<fanout_record> load_open_fanouts(task_key after,
                                               std::size_t limit) override;
  std::optional<task_origin> load_origin(task_key task) override;
  std::vector<due_task> load_due(timestamp now, due_position after,
                                 std::size_t limit) override;
  std::vector<task_brief> load_retries_due(timestamp now,
                                           std::size_t limit) override;
  std::optional<timestamp> next_retry_at() override;
  std::vector<std::string> load_items(task_range children) override;
  std::vector<lease_record> load_lost_leases(std::int64_t epoch, timestamp now,
                                             std::size_t limit) override;
  std::vector<task_brief> load_running(task_range tasks) override;
  std::vector<std::string> load_outputs(task_range tasks) override;

  std::optional<run_key> find_run(std::string_view id) override;
  std::optional<task_key> find_task(std::string_view id) override;
  std::optional<task_key> find_task(run_key run,
                                    std::string_view name) override;
  std::optional<task_record> load_task(task_key task) override;
  std::vector<run_record> list_runs(const run_filter& filter, run_key before,
                                    std::size_t limit) override;
  std::vector<task_record> list_tasks(const task_filter& filter, task_key after,
                                      std::size_t limit) override;
  std::vector<event_record> list_events(const event_filter& filter,
                                        event_seq after,
                                        std::size_t limit) override;
  state_counts count_leaves(run_key run) override;
  std::vector<fanout_record> list_fanouts(run_key run) override;

  std::vector<task_record> list_stuck(run_key run, timestamp started_before,
                                      std::size_t limit) override;
  std::vector<task_error> list_errors(run_key run, task_key after,
                                      std::size_t limit) override;
  std::optional<timestamp> last_settled(run_key run) override;
  std::vector<task_record> list_slowest(run_key run,
                                        std::size_t limit) override;
  retry_metrics measure_retries(run_key run) override;
  std::vector<std::int64_t> count_events(const std::vector<event_kind>& kinds,
                                         run_key run, timestamp since) override;
  event_seq last_event() override;
  std::vector<handler_count> count_by_handler() override;
  state_counts count_runs() override;
  std::optional<timestamp> oldest_due(timestamp now) override;
  engine_record load_engine() override;
  std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                           std::size_t limit) override;

  database& db() { return *db_; }

private:
  struct key_range {
    task_key first = 0, end = INT64_MAX;
  };
  /// The keys of a run's tasks, which are consecutive; all for run 0.
  key_range keys_of(run_key run);
  /// Where in a run tasks may be that a filter asks for.
  std::vector<task_block> blocks_with(const task_filter& filter);
  std::vector<task_record> load_tasks(const std::vector<task_key>& keys);
  /// The last event before a moment; 0 if there is none.
  event_seq last_event_before(timestamp at);

  std::unique_ptr<database> db_;
  id_space ids_;
};

} // namespace conductor::sqlite
