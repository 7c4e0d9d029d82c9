#include "actors/executor/executor_state.hpp"

namespace conductor {

bool executor_state::spend_budget(run_key run) {
  const auto [place, absent] = budgets_.try_emplace(run);
  auto& entry = place->second;
  if (absent) {
    if (auto loaded = reader->load_run(run))
      entry.run = std::move(*loaded);
    if (entry.run.retry_budget.percent > 0)
      entry.tasks = reader->count_leaves(run).total();
  }
  return rules::budget_left(entry.run, entry.tasks);
}

task_move executor_state::plan_outcome(const leased_task& task,
                                       outbox::entry& entry, timestamp now) {
  auto& result = entry.result;
  auto& figures = task.work->metrics();
  figures.seconds.observe(
    std::chrono::duration<double>{entry.ran.busy}.count());
  ++(result.succeeded ? figures.succeeded : figures.failed);
  if (result.succeeded)
    return rules::plan_success(task.brief, std::move(result.output), now);
  // How often it was retried is asked only of what fails.
  auto brief = task.brief;
  for (const auto& running : reader->load_running({brief.key, 1}))
    brief.retry_count = running.retry_count;
  const rules::failure why{result.error_type, result.error_message,
                           std::move(result.error_details), result.retryable,
                           result.retry_after};
  const auto unit = std::uniform_real_distribution<double>{0, 1}(random_);
  auto move = rules::plan_failure(brief, why, std::move(result.output),
                                  task.origin->spec.retry,
                                  spend_budget(brief.run), now, unit);
  if (move.to == task_state::retrying) {
    ++budgets_[brief.run].run.retries;
    ++context.metrics->retries;
  }
  return move;
}

void executor_state::let_go(
  std::unordered_map<task_key, leased_task>::iterator held) {
  const auto& [task, one] = *held;
  count_below(one.brief.parent, -1);
  if (one.brief.parent == 0)
    origins_.erase(task); // a leaf's own; children share theirs
  leases_.settle(one.lease, 1);
  if (one.timeout != no_time)
    timeouts_.erase({one.timeout, task});
  leased_.erase(held);
}

void executor_state::give_up_overdue(attempt_key which,
                                     std::chrono::microseconds took) {
  const auto overdue = overdue_.find(which);
  if (overdue == overdue_.end())
    return;
  overdue->second->done(took);
  overdue_.erase(overdue);
}

change_set executor_state::plan_outcomes(timestamp now, bool waited) {
  change_set plan;
  // Half of what is leased stays with the handlers meanwhile, and enough for
  // every slot.
  const auto gather
    = !waited && context.opts.automatic && context.opts.gather_time.count() > 0;
  const auto kept = std::max<std::int64_t>(leased() / 2, slots_);
  const auto enough = gather ? std::max<std::int64_t>(leased() - kept, 1) : 1;
  auto entries = box->take(static_cast<std::size_t>(enough));
  std::stable_sort(
    entries.begin(), entries.end(),
    [](const auto& x, const auto& y) { return x.key.task < y.key.task; });
  plan.moves.reserve(entries.size());
  for (auto& entry : entries) {
    const auto held = leased_.find(entry.key.task);
    const auto overdue = overdue_.count(entry.key) != 0;
    // Reported twice: a timeout, then the end.
    if (held == leased_.end()
        || held->second.brief.attempt != entry.key.number) {
      give_up_overdue(entry.key, entry.ran.busy);
      continue;
    }
    auto& task = held->second;
    // What obeyed a cancel has no result to tell of.
    if (entry.result.succeeded || !task.cancelled)
      plan.moves.push_back(plan_outcome(task, entry, now));
    if (!overdue)
      task.work->done(entry.ran.busy);
    let_go(held);
  }
  rules::merge_ranges(plan.moves);
  plan.released = leases_.release_ended();
  return plan;
}

change_set executor_state::plan_late(const std::vector<task_move>& moves,
                                     const std::vector<refusal>& refusals,
                                     timestamp now) {
  change_set plan;
  for (const auto& r : refusals)
    for (const auto& m : moves)
      if (m.tasks.contains(r.task)) {
        auto notes = rules::plan_late_results(m.run, {r}, now);
        context.metrics->late_results += std::ssize(notes);
        std::move(notes.begin(), notes.end(), std::back_inserter(plan.notes));
        break;
      }
  return plan;
}

} // namespace conductor
