#pragma once

#include <memory>

#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

/// Reads the tables behind the views. A call that needs several statements
/// reads them all in one transaction.
class sqlite_reader final : public store_reader {
public:
  explicit sqlite_reader(std::unique_ptr<database> db);

  std::unique_ptr<read_snapshot> snapshot() override;
  id_space ids() override { return ids_; }
  std::vector<run_record> runs(const run_query& query) override;
  std::vector<task_record> tasks(const task_query& query) override;
  std::vector<parent_record> parents(const parent_query& query) override;
  std::vector<task_group> groups(const group_query& query) override;
  std::optional<task_template> load_template(task_key task) override;
  std::vector<std::string> texts(text_kind kind, task_range tasks) override;
  std::optional<task_key> find_task(run_key run,
                                    std::string_view name) override;
  std::vector<event_record> list_events(const event_filter& filter,
                                        event_seq after,
                                        std::size_t limit) override;
  std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                           std::size_t limit) override;
  event_seq last_event() override;
  std::optional<timestamp> last_settled(run_key run) override;
  std::vector<std::int64_t> count_events(const std::vector<event_kind>& kinds,
                                         run_key run, timestamp since) override;
  std::vector<handler_count> count_by_handler(run_key run) override;
  state_counts count_runs() override;
  retry_metrics measure_retries(run_key run) override;
  std::vector<error_count> count_errors(run_key run,
                                        std::size_t limit) override;
  std::optional<timestamp> next_due_at() override;
  std::vector<dependency> dependencies(run_key run) override;
  engine_record load_engine() override;

  database& db() { return *db_; }

private:
  std::optional<task_key> find_child(task_key parent, std::string_view indices);
  void read_segment_texts(text_kind kind, task_range tasks,
                          std::vector<std::string>& texts);
  /// The last event before a moment; 0 if there is none.
  event_seq last_event_before(timestamp at);

  std::unique_ptr<database> db_;
  id_space ids_;
  int snapshots_ = 0; ///< that live; the first one holds the transaction
};

} // namespace conductor::sqlite
