#include "actors/executor/executor_state.hpp"

#include "actors/rules/aggregate_rules.hpp"

namespace conductor {

executor_state::claim executor_state::plan_claims(timestamp now) {
  claim plan;
  claim_due(plan, now);
  claim_children(plan, now);
  return plan;
}

void executor_state::claim_children(claim& plan, timestamp now) {
  const auto deadline = now + context.opts.lease_time;
  auto left = context.opts.claim_page;
  // What one parent may have now: its handler's room, its own bound.
  const auto limit = [&](task_key parent) -> std::int64_t {
    const auto origin = origin_of(parent, parent);
    auto* work = origin ? lane_of(*origin) : nullptr;
    if (!work)
      return 0;
    const auto bound = origin->spec.max_concurrency;
    return bound == 0 ? work->room()
                      : std::min(work->room(), bound - leased_below(parent));
  };
  while (left > 0 && any_room()) {
    const auto offer = sources_.next(left, limit);
    if (!offer)
      return;
    const auto n = offer->tasks.count;
    left -= n;
    plan.changes.moves.push_back(rules::plan_claim(
      {offer->tasks.first, offer->run, offer->parent, 0, 0, 0}, n, now,
      deadline));
    count_leased(plan.changes.moves.back(),
                 *lane_of(*origin_of(offer->parent, offer->parent)), n);
  }
}

bool executor_state::any_room() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& l) { return l.second.room() > 0; });
}

void executor_state::claim_due(claim& plan, timestamp now) {
  due_.refill(
    [&](due_position after, std::size_t limit) {
      return reader->load_due(std::max(now, latest_due_), after, limit);
    },
    [this](const task_brief& task) {
      const auto origin = origin_of(task.key, task.parent);
      return origin ? lane_of(*origin) : nullptr;
    });
  due_.claim_each(
    [&](const lane& work) {
      return work.room() > 0 && std::ssize(plan.due) < context.opts.claim_page;
    },
    [&](const task_brief& task, lane& work) {
      return claim_one(plan, task, work, now);
    });
}

bool executor_state::claim_one(claim& plan, const task_brief& task, lane& work,
                               timestamp now) {
  if (task.parent != 0) {
    const auto bound = origin_of(task.key, task.parent)->spec.max_concurrency;
    if (bound != 0 && leased_below(task.parent) >= bound)
      return false;
  } else {
    plan.changes.run_starts.push_back(rules::plan_run_start(task.run, now));
  }
  plan.changes.moves.push_back(
    rules::plan_claim(task, 1, now, now + context.opts.lease_time));
  plan.due.push_back(task.key);
  count_leased(plan.changes.moves.back(), work, 1);
  return true;
}

std::int64_t executor_state::leased_below(task_key parent) const {
  const auto found = children_leased_.find(parent);
  return found == children_leased_.end() ? 0 : found->second;
}

/// A claim holds its lease and its places from when it is planned.
void executor_state::count_leased(const task_move& m, lane& work,
                                  std::int64_t n) {
  leases_.take(m.tasks.first, n);
  work.lease(n);
  count_below(m.parent, n);
}

void executor_state::count_below(task_key parent, std::int64_t n) {
  if (parent == 0)
    return;
  const auto place = children_leased_.try_emplace(parent).first;
  if ((place->second += n) == 0)
    children_leased_.erase(place);
}

void executor_state::start(const claim& planned, const commit_reply& reply,
                           timestamp now) {
  for (auto task : planned.due)
    due_.forget(task);
  std::set<task_key> refused;
  for (const auto& r : reply.refusals)
    refused.insert(r.task);
  for (const auto& m : planned.changes.moves)
    start_leased(m, refused, now);
  if (!refused.empty() && !planned.due.empty())
    due_.look_from({}); // somebody else moved what we knew of
}

/// What was leased, in contiguous parts: each part is a lease of its own.
void executor_state::start_leased(const task_move& m,
                                  const std::set<task_key>& refused,
                                  timestamp now) {
  std::int64_t lost = 0, elsewhere = 0;
  auto next = m.tasks.first;
  for (auto task = next; task <= m.tasks.end(); ++task) {
    const auto is_refused = refused.count(task) != 0;
    if (task < m.tasks.end() && !is_refused)
      continue;
    if (task > next) {
      if (next != m.tasks.first) {
        leases_.take(next, task - next);
        elsewhere += task - next;
      }
      start_range(m, {next, task - next}, now);
    }
    lost += task < m.tasks.end() && is_refused;
    next = task + 1;
  }
  if (lost + elsewhere > 0)
    leases_.settle(m.tasks.first, lost + elsewhere);
  if (lost > 0) {
    lane_of(*origin_of(m.tasks.first, m.parent))->give_back(lost);
    count_below(m.parent, -lost);
  }
}

void executor_state::start_range(const task_move& m, task_range tasks,
                                 timestamp now) {
  const auto origin = origin_of(tasks.first, m.parent);
  auto* work = lane_of(*origin);
  const auto& spec = origin->spec;
  const auto ids = reader->ids();
  const auto kind = spec.fanout.kind;
  const auto stored
    = m.parent != 0 && kind != source_kind::count && kind != source_kind::range;
  const auto items
    = stored ? reader->load_items(tasks) : std::vector<std::string>{};
  const auto timed = spec.timeout.count() > 0 && !work->traits().own_timeout;
  for (auto task = tasks.first; task < tasks.end(); ++task) {
    attempt a{.origin = origin,
              .task_id = ids.text(id_kind::task, origin->created_at, task),
              .task = task,
              .parent = m.parent,
              .number = m.attempt + 1};
    if (m.parent != 0) {
      a.index = task - origin->base + 1;
      if (stored)
        a.item = items[static_cast<std::size_t>(task - tasks.first)];
      else if (kind == source_kind::range)
        a.item
          = std::to_string(spec.fanout.from + (a.index - 1) * spec.fanout.step);
      else
        a.item = std::to_string(a.index);
    }
    leased_task held{{task, m.run, m.parent, a.number, 0, 0},
                     origin,
                     work,
                     tasks.first,
                     timed ? now + spec.timeout : no_time};
    if (timed)
      timeouts_.emplace(held.timeout, task);
    leased_.insert_or_assign(task, std::move(held));
    work->work().start(std::move(a), *box);
  }
}

} // namespace conductor
