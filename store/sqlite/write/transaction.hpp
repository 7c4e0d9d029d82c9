#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <conductor/lifecycle.hpp>

#include "store/sqlite/connection/database.hpp"
#include "store/sqlite/write/segments.hpp"
#include "store/sqlite/write/writer_state.hpp"

namespace conductor::sqlite {

/// One batch of change sets on its way into the database. Rows of runs and
/// parents are read once, changed in memory and written once at the end;
/// segments of tasks are changed in the database itself.
class transaction {
public:
  transaction(database& db, const id_space& ids, writer_cache& cache,
              const counters& from, std::int64_t epoch, timestamp now);

  commit_reply apply(const change_set& changes);
  /// Writes the rows of runs and parents; then the fact is complete.
  void finish();

  const counters& next() const { return next_; }
  /// What was changed. Without a change it is no commit, and has the number of
  /// the one before.
  committed take_fact(bool changed);

private:
  struct run_entry {
    run_record record;
    std::uint64_t chain = 0;
    std::int64_t last_error = -1;               ///< key given out; -1 = unknown
    std::map<std::string, std::int64_t> errors; ///< of this transaction
    bool fresh = false;                         ///< not in the database yet
    bool touched = false;    ///< its numbers or its state have changed
    bool has_events = false; ///< its chain has changed
  };
  struct parent_entry {
    parent_record record;
    bool touched = false; ///< it has changed
  };
  struct pass_counts {
    std::int64_t parents = 0, runs = 0, tasks = 0;
  };
  /// The change set that is applied.
  struct scope {
    std::size_t part = 0;
    commit_reply reply;
    submitted_run created; ///< what new_run and new_task(i) name
    bool existed = false;  ///< parts that name the new run are dropped
    std::optional<pass_events::kind> pass;
    std::map<run_key, pass_counts> passes;
  };

  // Parts. Each resolves the keys that it names and applies or refuses itself.
  void apply_part(const submission& s);
  void apply_part(const append_items& a);
  void apply_part(const drop_items& d);
  void apply_part(const append_event& e);
  void apply_part(const expand_parent& e);
  void apply_part(const move_tasks& m);
  void apply_part(const move_run& m);
  void apply_part(const claim_tasks& c);
  void apply_part(const pass_events& p);
  void apply_part(const engine_report& r);
  void apply_part(const update_run& u);
  void apply_part(const pause_all& p);
  void apply_part(const update_task& u);
  void apply_part(const release_tasks& r);

  bool names_dropped(run_key run) const;
  run_key resolve_run(run_key run) const;
  task_key resolve_task(task_key task) const;
  void refuse(task_key task, std::int32_t attempt = 0, task_state planned = {},
              task_state state = {}, std::int32_t now = 0);
  void refuse_as_it_stands(task_key task, task_state planned);

  // runs
  run_entry* find_run(run_key run);
  std::optional<submitted_run> find_submitted(const std::string& key);
  void add_tasks(run_entry& run, const submission& s);
  void add_parent(run_entry& run, task_key first, task_key task,
                  const task_submission& t);
  void start_run(run_entry& run);
  void move(run_entry& run, const move_run& m);
  void write_run(const run_entry& run);
  struct definition_ref {
    std::int64_t definition = 0, handler = 0;
  };
  definition_ref define(const task_spec& spec);
  std::int64_t find_handler(const std::string& name); ///< 0 = not known
  std::int64_t handler_of(const std::string& name);

  // parents
  /// `touch`: it is about to change.
  parent_record* find_parent(task_key parent, bool touch = false);
  const parent_bound& bound_of(task_key parent);
  void create_children(const run_record& run, const parent_record& parent,
                       task_range tasks);
  void move_parent(const run_entry& run, task_key task, task_state to);
  void write_parent(const parent_record& p);

  // tasks
  const block_row* block_of(task_key block);
  std::int64_t error_key(run_entry& run, const std::string& error);
  /// Splits the rows that a move touches and writes them back.
  struct row_split {
    std::vector<task_range> moved;
    std::vector<task_key> parents; ///< of the tasks that moved
  };
  std::vector<task_range> move_rows(const move_tasks& head, const move_tasks& m,
                                    run_entry& run);
  row_split split_rows(const move_tasks& m, const std::string& error,
                       run_entry& run);
  void split_row(const move_tasks& m, const segment_row& row, bool admitted,
                 const std::string& error, run_entry& run,
                 std::vector<segment_row>& pieces, row_split& out);
  void moved(const move_tasks& m, const move_tasks& texts, task_range tasks,
             run_entry& run);
  void count_moved(const move_tasks& m, std::int64_t tasks, run_entry& run);
  void write_outputs(const move_tasks& texts, std::int64_t skip,
                     task_range tasks);
  void report_late(run_entry& run, task_key parent, std::size_t first_refusal);

  // what tasks wait for
  struct waiting_entry {
    std::int64_t left = 0; ///< tasks, and its time
    bool held = false;     ///< its time has not come
    bool skipped = false;
  };
  void wait_until(timestamp at) {
    auto& soonest = fact_.waits_until;
    soonest = soonest == no_time ? at : std::min(soonest, at);
  }
  bool add_waiting(task_key first, task_key task, const task_submission& t);
  std::optional<waiting_entry> find_waiting(task_key task);
  void write_waiting(task_key task, const waiting_entry& w);
  void set_ready(run_entry& run, task_key task, bool ready);
  void settle_dependents(run_entry& run, task_range range);
  bool settle_dependent(run_entry& run, const dependency& d);
  void wait_again(run_entry& run, task_range range);
  void wait_again(run_entry& run, task_key task, waiting_entry waiting);
  void set_priority(run_entry& run, task_key task, const parent_record* parent,
                    std::int32_t priority);

  // claims
  std::int64_t claim_from(std::int64_t handler, claim_place place,
                          std::int64_t room);
  bool may_claim_from(task_key block);
  bool has_claimable(std::int64_t handler, std::int32_t priority);
  std::int64_t claim_in_turn(std::int64_t handler, std::int64_t wanted);
  void offer(std::int64_t handler, const run_record& run, claim_place place);
  void offer_run(const run_record& run);
  std::vector<segment_row> claimable(std::int64_t handler, claim_place place,
                                     std::int64_t tasks);
  void lease(const std::vector<segment_row>& rows, std::int64_t tasks);
  void grant(const task_group& group);

  // events
  void begin_pass(run_key run);
  void end_passes();
  void write_event(run_entry& run, task_range tasks, const event_entry& event,
                   timestamp retry_at = no_time);

  database& db_;
  const id_space& ids_;
  writer_cache& cache_;
  counters next_;
  std::int64_t epoch_;
  timestamp at_; ///< of everything in this transaction
  scope scope_;
  std::map<run_key, run_entry> runs_;
  std::map<task_key, parent_entry> parents_;
  committed fact_;
};

} // namespace conductor::sqlite
