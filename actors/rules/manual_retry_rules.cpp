#include "actors/rules/manual_retry_rules.hpp"

#include <conductor/event_payload.hpp>

namespace conductor::rules {

namespace {

move_tasks plan_reopen(const task_group& tasks) {
  move_tasks move{.run = tasks.run,
                  .parent = tasks.parent,
                  .tasks = tasks.tasks,
                  .from = tasks.state,
                  .attempt = tasks.attempt,
                  .to = task_state::pending};
  // Not `retried`: a retry by hand is not charged to the policy.
  move.events.push_back(task_retried_by_hand(tasks.retry_count));
  return move;
}

} // namespace

change_set plan_manual_retry(const run_record& run,
                             const std::vector<task_group>& leaves,
                             const std::vector<parent_record>& parents,
                             const std::vector<task_key>& dependents) {
  change_set plan;
  std::int64_t count = 0;
  for (const auto& group : leaves) {
    plan.add(plan_reopen(group));
    count += group.tasks.count;
  }
  for (const auto& parent : parents)
    plan.add(plan_reopen(
      {.run = parent.run, .tasks = {parent.task, 1}, .state = parent.state}));
  for (const auto task : dependents)
    plan.add(plan_reopen(
      {.run = run.key, .tasks = {task, 1}, .state = task_state::cancelled}));
  plan.add(move_run{run.key,
                    run.state,
                    run_state::running,
                    {run_reopened(run.state, count, std::ssize(dependents))}});
  return plan;
}

} // namespace conductor::rules
