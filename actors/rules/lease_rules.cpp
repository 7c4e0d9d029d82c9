#include "actors/rules/lease_rules.hpp"

#include <utility>

#include <conductor/json_text.hpp>

namespace conductor::rules {

task_move plan_claim(const task_brief& first, std::int64_t count, timestamp now,
                     timestamp deadline) {
  task_move move{.run = first.run,
                 .parent = first.parent,
                 .tasks = {first.key, count},
                 .from = task_state::pending,
                 .attempt = first.attempt,
                 .to = task_state::running,
                 .at = now,
                 .until = deadline};
  move.events.push_back(
    {event_kind::task_started, dump({{"attempt", first.attempt + 1}})});
  return move;
}

namespace {

/// RUNNING → FAILED unsettled → PENDING, at once and at no cost.
std::vector<task_move> plan_return(const task_brief& leased, json told,
                                   timestamp now) {
  const auto count = leased.lost_count + 1;
  told["attempt"] = leased.attempt;
  told["lost_count"] = count;
  task_move lost{.run = leased.run,
                 .parent = leased.parent,
                 .tasks = {leased.key, 1},
                 .from = task_state::running,
                 .attempt = leased.attempt,
                 .to = task_state::retrying,
                 .at = now,
                 .until = now,
                 .lost = true};
  auto again = lost;
  again.from = task_state::retrying;
  again.to = task_state::pending;
  again.lost = false;
  lost.events.push_back({event_kind::task_lease_expired, dump(told)});
  again.events.push_back(
    {event_kind::task_retried,
     dump({{"retry_count", leased.retry_count}, {"lost_count", count}})});
  return {std::move(lost), std::move(again)};
}

} // namespace

std::vector<task_move> plan_lost_lease(const task_brief& leased,
                                       std::int32_t max_lost, timestamp now) {
  auto moves = plan_return(leased, json::object(), now);
  const auto count = leased.lost_count + 1;
  if (count < max_lost)
    return moves;
  auto& lost = moves.front();
  lost.to = task_state::failed;
  lost.error = dump(
    {{"type", "lease_expired"},
     {"message", "its worker was lost " + std::to_string(count) + " times"},
     {"attempt", leased.attempt}});
  lost.events.push_back({event_kind::task_retries_exhausted,
                         dump({{"retry_count", leased.retry_count},
                               {"because", "lease_expired"}})});
  moves.pop_back();
  return moves;
}

std::vector<task_move> plan_give_back(const task_brief& leased, timestamp now) {
  return plan_return(leased, {{"because", "stopped"}}, now);
}

task_move plan_cancel(const task_brief& task, task_state from,
                      const std::string& reason, timestamp now) {
  task_move move{.run = task.run,
                 .parent = task.parent,
                 .tasks = {task.key, 1},
                 .from = from,
                 .attempt = task.attempt,
                 .to = task_state::cancelled,
                 .at = now};
  move.events.push_back(
    {event_kind::task_cancelled, dump({{"reason", reason}})});
  return move;
}

late_reason judge(const refusal& refused) {
  if (refused.attempt != refused.planned_attempt)
    return late_reason::stale_attempt;
  if (refused.state == task_state::cancelled)
    return late_reason::cancelled;
  if (refused.state == refused.planned)
    return late_reason::duplicate;
  return settled(refused.state) ? late_reason::already_settled
                                : late_reason::lease_expired;
}

const char* to_string(late_reason reason) {
  switch (reason) {
  case late_reason::duplicate: return "duplicate";
  case late_reason::stale_attempt: return "stale_attempt";
  case late_reason::lease_expired: return "lease_expired";
  case late_reason::cancelled: return "cancelled";
  case late_reason::already_settled: return "already_settled";
  }
  return "?";
}

std::vector<note> plan_late_results(run_key run,
                                    const std::vector<refusal>& refused,
                                    timestamp now) {
  std::vector<note> notes;
  for (const auto& r : refused) {
    const auto reason = judge(r);
    if (reason != late_reason::duplicate)
      notes.push_back({run,
                       r.task,
                       now,
                       {event_kind::task_late_result,
                        dump({{"attempt", r.planned_attempt},
                              {"reason", to_string(reason)}})}});
  }
  return notes;
}

namespace {

/// Takes the tasks of `next` in, if they follow and all else is equal: what
/// tasks gave may differ, but all of them gave something or none did.
bool join(task_move& last, task_move& next) {
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

void merge_ranges(std::vector<task_move>& moves) {
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
