#include "actors/rules/fence_rules.hpp"

#include <conductor/event_payload.hpp>

#include "actors/rules/fanout_rules.hpp"
#include "actors/rules/lease_rules.hpp"
#include "actors/rules/retry_rules.hpp"

namespace conductor::rules {

namespace {

std::string_view reason_of(fence by) {
  return by == fence::deadline ? reason::deadline : reason::by_hand;
}

} // namespace

move_tasks plan_fenced(const task_group& leaves, fence by) {
  if (by != fence::deadline || leaves.state == task_state::pending)
    return plan_cancel(leaves, reason_of(by));
  move_tasks move{.run = leaves.run,
                  .parent = leaves.parent,
                  .tasks = leaves.tasks,
                  .from = leaves.state,
                  .attempt = leaves.attempt,
                  .to = task_state::failed,
                  .fenced = true};
  if (leaves.state == task_state::running) {
    move.error = error_text(std::string{error_type::deadline},
                            "the deadline of its run passed", leaves.attempt);
    move.events.push_back(task_failed(leaves.attempt, move.error, false));
  }
  move.events.push_back(
    task_retries_exhausted(leaves.retry_count, -1, reason::deadline));
  return move;
}

change_set plan_fenced(const parent_record& parent, fence by) {
  change_set plan;
  if (parent.state != task_state::pending)
    return plan;
  if (parent.expanded == 0) {
    plan.add(plan_cancel({.run = parent.run,
                          .tasks = {parent.task, 1},
                          .state = task_state::pending},
                         reason_of(by)));
  } else if (parent.expanded < parent.total) {
    plan.add(
      expand_parent{.run = parent.run,
                    .parent = parent.task,
                    .first = parent.expanded + 1,
                    .ends = true,
                    .after = end_of_expansion(
                      parent, event_kind::fanout_completed, parent.expanded)});
  }
  return plan;
}

} // namespace conductor::rules
