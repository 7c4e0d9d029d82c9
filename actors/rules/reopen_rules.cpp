#include "actors/rules/reopen_rules.hpp"

#include <conductor/json_text.hpp>
#include "actors/rules/lease_rules.hpp"

namespace conductor::rules {

namespace {

task_move plan_reopen(const task_brief& task, task_state from, timestamp now) {
  task_move move{.run = task.run,
                 .parent = task.parent,
                 .tasks = {task.key, 1},
                 .from = from,
                 .attempt = task.attempt,
                 .to = task_state::pending,
                 .at = now,
                 .until = now};
  // Not `retried`: what a person asks for is not charged to the policy.
  move.events.push_back(
    {event_kind::task_retried,
     dump({{"retry_count", task.retry_count}, {"by", "hand"}})});
  return move;
}

} // namespace

change_set plan_reopening(const run_record& run,
                          const std::vector<unsuccessful>& leaves,
                          const std::vector<fanout_record>& parents,
                          timestamp now) {
  change_set plan;
  for (const auto& leaf : leaves)
    plan.moves.push_back(plan_reopen(leaf.task, leaf.state, now));
  merge_ranges(plan.moves);
  for (const auto& parent : parents)
    plan.moves.push_back(
      plan_reopen({parent.task, parent.run, 0, 0, 0, 0}, parent.state, now));
  plan.run_moves.push_back(
    {run.key,
     run.state,
     run_state::running,
     now,
     {{event_kind::run_reopened,
       dump({{"from", to_string(run.state)}, {"tasks", leaves.size()}})}}});
  return plan;
}

} // namespace conductor::rules
