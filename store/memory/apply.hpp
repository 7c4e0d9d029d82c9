#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/memory/model.hpp"

namespace conductor::memory {

/// Applies one batch to a model. The rules of each part are with the member
/// that applies it.
class applier {
public:
  applier(model& m, timestamp now);

  batch_result run(std::span<const change_set> batch);

private:
  struct pass_counts {
    std::int64_t parents = 0, runs = 0, tasks = 0;
  };
  /// The change set that is applied.
  struct scope {
    std::size_t part = 0;
    std::optional<submitted_run> created; ///< by the latest submission
    std::optional<pass_events::kind> pass;
    std::map<run_key, pass_counts> passes;
  };

  commit_reply apply(const change_set& changes);
  /// The same part with the keys of what was created; nullopt if it is dropped.
  std::optional<change> resolve(change part) const;

  void apply_part(const submission& x);
  void apply_part(const append_items& x);
  void apply_part(const drop_items& x);
  void apply_part(const append_event& x);
  void apply_part(const expand_parent& x);
  void apply_part(const move_tasks& x);
  void apply_part(const move_run& x);
  void apply_part(const claim_tasks& x);
  void apply_part(const pass_events& x);
  void apply_part(const engine_report& x);
  void apply_part(const update_run& x);
  void apply_part(const pause_all& x);
  void apply_part(const update_task& x);
  void apply_part(const release_tasks& x);

  void create_run(const submission& x);
  void create_top_level(const run_record& run, const task_submission& x);
  void create_parent(task_key key, const task_submission& x);
  void create_children(const parent_record& p, const expand_parent& x);

  // What tasks wait for.
  void create_waiting(const run_record& run, const submission& x);
  void release(task_key key);
  void wait_until(timestamp at) {
    auto& soonest = fact_.waits_until;
    soonest = soonest == no_time ? at : std::min(soonest, at);
  }
  void settle_dependents(run_key run, task_range settled);
  void skip(task_key key, task_key because);
  void wait_again(task_range range);
  void wait_again(task_key key);

  bool names(const move_tasks& x, task_key key) const;
  void refuse(const move_tasks& x, task_key key);
  bool guard_holds(const move_tasks& x, task_key key) const;
  void move_one(const move_tasks& x, task_key key);
  void move_parent(const move_tasks& x, task_key key, task_row& row);
  void count(const move_tasks& x, task_row& row);
  void finish_range(const move_tasks& x, task_range range);
  void report_late(const move_tasks& x, std::size_t first_refusal);

  bool claimable(const std::string& handler, task_key key,
                 const task_row& row) const;
  bool has_room(const task_row& row, std::int64_t more) const;
  claim_places places_of(const std::string& handler) const;
  std::int64_t claim(const handler_room& room, std::int64_t wanted);
  std::int64_t claim_from(const std::string& handler, claim_place place,
                          std::int64_t wanted);
  void grant(task_group group);

  void refuse(task_key key, std::int32_t attempt, task_state planned);
  /// The numbers of the pass over a run, which begins here if there is one.
  pass_counts& begin_pass(run_key run);
  void end_passes();
  void emit(run_key run, task_range tasks, const event_entry& event,
            timestamp retry_at = no_time);

  model& m_;
  timestamp at_; ///< of the commit
  scope scope_;
  commit_reply reply_;
  committed fact_;
  bool changed_ = false; ///< something is to be committed
  std::set<task_key> touched_parents_;
  std::set<run_key> touched_runs_;
};

} // namespace conductor::memory
