#include "actors/rules/lease_rules.hpp"

#include <iterator>
#include <utility>

#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>

namespace conductor::rules {

namespace {

move_tasks plan_move(const task_group& tasks, task_state to) {
  return {.run = tasks.run,
          .parent = tasks.parent,
          .tasks = tasks.tasks,
          .from = tasks.state,
          .attempt = tasks.attempt,
          .to = to};
}

/// RUNNING → FAILED unsettled → PENDING, without delay. `lost`: each task
/// counts a lost lease, else there is a reason.
std::vector<move_tasks> plan_return(task_group leased, bool lost,
                                    std::string_view because) {
  leased.state = task_state::running;
  leased.lost_count += lost;
  auto end = plan_move(leased, task_state::retrying);
  end.lost = lost;
  end.events.push_back(
    task_lease_expired(leased.attempt, leased.lost_count, because));
  leased.state = task_state::retrying;
  auto again = plan_move(leased, task_state::pending);
  again.events.push_back(
    task_retried_after_loss(leased.retry_count, leased.lost_count));
  return {std::move(end), std::move(again)};
}

} // namespace

std::vector<move_tasks> plan_lost_lease(const task_group& leased,
                                        std::int32_t max_lost) {
  auto moves = plan_return(leased, true, {});
  const auto count = leased.lost_count + 1;
  if (count < max_lost)
    return moves;
  auto& lost = moves.front();
  lost.to = task_state::failed;
  lost.error = dump(
    {{"type", error_type::lease_expired},
     {"message", "its worker was lost " + std::to_string(count) + " times"},
     {"attempt", leased.attempt}});
  lost.events.push_back(
    task_retries_exhausted(leased.retry_count, -1, reason::lease_expired));
  moves.pop_back();
  return moves;
}

std::vector<move_tasks> plan_release(const task_group& leased,
                                     std::string_view because) {
  return plan_return(leased, false, because);
}

move_tasks plan_cancel(const task_group& tasks, std::string_view reason) {
  auto move = plan_move(tasks, task_state::cancelled);
  move.events.push_back(task_cancelled(reason));
  return move;
}

namespace {

/// Appends the tasks of `next` to `last` if they follow and all else is equal.
/// Outputs may differ, but all of the tasks have some or none has.
bool join(move_tasks& last, move_tasks& next) {
  if (next.tasks.first != last.tasks.end()
      || next.outputs.empty() != last.outputs.empty())
    return false;
  const auto tasks = std::exchange(next.tasks, last.tasks);
  auto before = std::exchange(last.outputs, {});
  auto outputs = std::exchange(next.outputs, {});
  const auto same = next == last;
  last.outputs = std::move(before);
  if (same) {
    last.tasks.count += tasks.count;
    std::move(outputs.begin(), outputs.end(), std::back_inserter(last.outputs));
  } else {
    next.tasks = tasks;
    next.outputs = std::move(outputs);
  }
  return same;
}

} // namespace

void merge_ranges(std::vector<move_tasks>& moves) {
  if (moves.empty())
    return;
  auto last = moves.begin();
  for (auto next = last + 1; next != moves.end(); ++next) {
    if (join(*last, *next))
      continue;
    if (++last != next)
      *last = std::move(*next);
  }
  moves.erase(last + 1, moves.end());
}

} // namespace conductor::rules
