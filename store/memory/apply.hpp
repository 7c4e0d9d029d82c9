#pragma once

#include <set>
#include <string>
#include <vector>

#include "store/memory/model.hpp"

namespace conductor::memory {

/// Applies one batch to a model. The rules of each part are with the member
/// that applies it.
class applier {
public:
  explicit applier(model& m) : m_(m) {}

  batch_result run(const std::vector<change_set>& batch);

private:
  void apply(change_set x);
  void submit(const submission& x);
  void create_run(const submission& x);
  void create_top_level(const submission& run, const task_submission& x);
  void create_fanout(task_key parent, const task_submission& x);
  void expand(const expansion& x);
  void create_children(fanout_record& f, const expansion& x);
  void move(const task_move& x);
  void advance_claims(const task_move& x);
  bool guard_holds(const task_move& x, task_key key) const;
  void move_one(const task_move& x, task_key key);
  void stamp(const task_move& x, task_key key, task_row& row);
  void recount(const task_row& row, task_key key, task_state to);
  void finish_range(const task_move& x, task_range range);
  void hold(task_range range, timestamp deadline);
  void move(const run_move& x);
  void extend(const lease_extension& x);
  void write(const note& x);
  void set_due(task_key key, task_row& row, timestamp due);
  void refuse(task_key key, std::int32_t attempt, task_state planned);
  void emit(run_key run, task_range tasks, timestamp at, event_kind kind,
            const std::string& payload);

  model& m_;
  batch_result out_;
  std::set<task_key> touched_parents_;
  std::set<run_key> touched_runs_;
};

/// Fills in the counts of a fan-out that follow from the others.
void derive(fanout_record& f);

} // namespace conductor::memory
