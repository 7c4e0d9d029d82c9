#include "actors/executor/executor_state.hpp"

namespace conductor {

namespace {

constexpr std::size_t leases_a_page = 100;

/// Moves that bring tasks back whose attempts will not be heard of again.
struct return_moves {
  std::vector<task_move> end, again;

  void add(std::vector<task_move> moves) {
    end.push_back(std::move(moves.front()));
    if (moves.size() > 1)
      again.push_back(std::move(moves.back()));
  }
  void put_into(change_set& plan) {
    rules::merge_ranges(end);
    rules::merge_ranges(again);
    plan.moves = std::move(end);
    std::move(again.begin(), again.end(), std::back_inserter(plan.moves));
  }
};

} // namespace

change_set executor_state::plan_extensions(timestamp now) {
  change_set plan;
  leases_.for_each_held([&](task_key first) {
    plan.extensions.push_back({{first, 1}, now + context.opts.lease_time});
  });
  return plan;
}

change_set executor_state::plan_lost(timestamp now) {
  change_set plan;
  return_moves lost;
  for (const auto& lease :
       reader->load_lost_leases(context.epoch, now, leases_a_page)) {
    if (leases_.holds(lease.tasks.first))
      continue; // ours, and alive: we were asleep
    for (const auto& task : reader->load_running(lease.tasks)) {
      ++context.metrics->lost_leases;
      lost.add(rules::plan_lost_lease(task, context.opts.max_lost, now));
    }
    plan.released.push_back(lease.tasks.first);
  }
  lost.put_into(plan);
  return plan;
}

change_set executor_state::plan_withdrawal(timestamp now) {
  std::map<task_key, std::int32_t> withdrawn; // in the order of tasks
  for (auto& [handler_name, work] : lanes_)
    for (const auto& key : work.work().withdraw()) {
      const auto held = leased_.find(key.task);
      if (held == leased_.end() || held->second.brief.attempt != key.number) {
        give_up_overdue(key, {});
        continue;
      }
      withdrawn[key.task] = key.number;
      work.give_back(1);
      let_go(held);
    }
  auto plan = plan_returns(withdrawn, now);
  plan.released = leases_.release_ended();
  return plan;
}

change_set executor_state::plan_give_back(timestamp now) {
  std::map<task_key, std::int32_t> held;
  for (const auto& [task, one] : leased_)
    held[task] = one.brief.attempt;
  auto plan = plan_returns(held, now);
  leases_.for_each_held(
    [&](task_key first) { plan.released.push_back(first); });
  return plan;
}

change_set
executor_state::plan_returns(const std::map<task_key, std::int32_t>& attempts,
                             timestamp now) {
  change_set plan;
  return_moves given;
  for (const auto& [task, attempt] : attempts)
    for (const auto& running : reader->load_running({task, 1}))
      if (running.attempt == attempt)
        given.add(rules::plan_give_back(running, now));
  given.put_into(plan);
  return plan;
}

} // namespace conductor
