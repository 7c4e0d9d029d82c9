#pragma once

#include <map>

#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

/// The next free numbers; they move only with a commit.
struct counters {
  run_key run = 1;
  task_key task = 1;
  event_seq seq = 1;
  std::uint64_t commits = 0;
};

/// One batch of change sets on its way into the database. Rows of runs and
/// parents are read once, changed in memory and written once at the end;
/// tasks are moved in the database itself, range by range.
class transaction {
public:
  transaction(database& db, const id_space& ids, const counters& from,
              std::int64_t epoch)
    : db_(db), ids_(ids), next_(from), epoch_(epoch) {}

  commit_reply apply(change_set& changes);
  /// Writes the rows of runs and parents; then the fact is complete.
  void finish();

  const counters& next() const { return next_; }
  committed& fact() { return fact_; }

private:
  struct run_entry {
    run_record record;
    std::uint64_t chain = 0;
    task_key first_task = 0, end_task = 0;
    bool fresh = false;   ///< not in the database yet
    bool touched = false; ///< people want to hear of it
  };

  // runs and their top-level tasks
  submitted_run submit(submission& s);
  std::optional<submitted_run> find_submitted(const std::string& key);
  void add_task(run_entry& run, task_key task, task_submission& t);
  void move_run(run_move& m);
  run_entry& run_of(run_key run);
  void write_run(const run_entry& run);

  // parents and their children
  fanout_record& fanout_of(task_key parent);
  void expand(expansion& e, commit_reply& reply);
  void write_fanout(const fanout_record& f);

  // tasks
  void move_tasks(task_move& m, commit_reply& reply);
  int update_rows(const task_move& m, task_range tasks);
  void move_some(task_move& m, commit_reply& reply);
  void moved_range(task_move& m, task_range tasks);
  void write_outputs(const task_move& m, task_range tasks);
  void count(const task_move& m, task_range tasks);
  void move_due(const task_move& m, task_range tasks);
  void advance_cursor(const task_move& m);
  void refuse(task_range tasks, std::int32_t attempt, task_state planned,
              commit_reply& reply);

  void write_event(run_key run, task_range tasks, timestamp at,
                   const event_entry& event);

  database& db_;
  const id_space& ids_;
  counters next_;
  std::int64_t epoch_;
  std::map<run_key, run_entry> runs_;
  std::map<task_key, fanout_record> fanouts_;
  committed fact_;
};

} // namespace conductor::sqlite
