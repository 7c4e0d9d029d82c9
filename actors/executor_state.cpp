#include "actors/executor_state.hpp"

#include <thread>

#include <conductor/aggregate_rules.hpp>

namespace conductor {

namespace {

constexpr std::size_t origins_kept = 10'000;
constexpr std::size_t due_kept = 5000;
constexpr std::size_t leases_a_page = 100;

} // namespace

void executor_state::init(role_context given, handler_map handlers) {
  context = std::move(given);
  reader = context.open_reader();
  box = std::dynamic_pointer_cast<outbox>(context.outcomes);
  if (!box)
    box = std::make_shared<outbox>();
  const auto& opts = context.opts;
  slots_ = opts.workers ? opts.workers
                        : std::max(1u, std::thread::hardware_concurrency());
  for (auto& [handler_name, work] : handlers)
    lanes_.emplace(handler_name,
                   lane{work, slots_, opts.lease_ahead,
                        context.metrics->of_handler(handler_name)});
  random_.seed(opts.seed ? opts.seed : std::random_device{}());
}

void executor_state::hear(const committed& fact) {
  for (const auto& run : fact.runs)
    due_hint |= run.first_task != 0;
  for (const auto& parent : fact.parents)
    sources_.hear(parent);
  for (const auto& run : fact.progress)
    if (settled(run.state))
      budgets_.erase(run.key);
  for (const auto& m : fact.moves) {
    due_hint |= m.to == task_state::pending;
    if (m.to != task_state::cancelled)
      continue;
    for (auto task = m.tasks.first; task < m.tasks.end(); ++task)
      if (const auto held = leased_.find(task); held != leased_.end())
        held->second.work->work().cancel(task, held->second.brief.attempt,
                                         "cancelled");
  }
}

void executor_state::sweep() {
  for (task_key after = 0;;) {
    const auto page = reader->load_open_fanouts(after, 1000);
    for (const auto& f : page)
      sources_.hear(f);
    if (page.size() < 1000)
      break;
    after = page.back().task;
  }
  due_hint = true;
}

std::shared_ptr<const task_origin> executor_state::origin_of(task_key task,
                                                             task_key parent) {
  const auto key = parent ? parent : task;
  if (const auto known = origins_.find(key); known != origins_.end())
    return known->second;
  auto loaded = reader->load_origin(key);
  if (!loaded)
    return nullptr;
  auto origin = std::make_shared<const task_origin>(std::move(*loaded));
  if (origins_.size() >= origins_kept)
    origins_.erase(origins_.begin());
  origins_[key] = origin;
  return origin;
}

lane* executor_state::lane_of(const task_origin& origin) {
  const auto found = lanes_.find(origin.spec.handler);
  return found == lanes_.end() ? nullptr : &found->second;
}

// -- claims
// -----------------------------------------------------------------------

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
    return bound == 0
             ? work->room()
             : std::min(work->room(), bound - children_leased_[parent]);
  };
  while (left > 0) {
    const auto offer = sources_.next(left, limit);
    if (!offer)
      return;
    const auto n = offer->tasks.count;
    left -= n;
    lane_of(*origin_of(offer->parent, offer->parent))->lease(n);
    children_leased_[offer->parent] += n;
    plan.changes.moves.push_back(rules::plan_claim(
      {offer->tasks.first, offer->run, offer->parent, 0, 0, 0}, n, now,
      deadline));
  }
}

void executor_state::load_due(timestamp now) {
  // Until all are seen or enough: nobody may come by again for a long time.
  while (due_hint && seen_.size() < due_kept) {
    const auto limit
      = static_cast<std::size_t>(context.opts.claim_page) + seen_.size();
    const auto due = reader->load_due(now, limit);
    due_hint = due.size() == limit;
    for (const auto& task : due)
      if (seen_.insert(task.key).second) {
        const auto origin = origin_of(task.key, task.parent);
        waiting_[origin ? lane_of(*origin) : nullptr].push_back(task);
      }
  }
}

void executor_state::claim_due(claim& plan, timestamp now) {
  load_due(now);
  for (auto& [work, tasks] : waiting_) {
    if (!work)
      continue;
    // Those whose parent has no room stay where they are.
    std::deque<task_brief> kept;
    for (; !tasks.empty() && work->room() > 0
           && std::ssize(plan.due) < context.opts.claim_page;
         tasks.pop_front())
      if (!claim_one(plan, tasks.front(), *work, now))
        kept.push_back(tasks.front());
    tasks.insert(tasks.begin(), kept.begin(), kept.end());
  }
}

bool executor_state::claim_one(claim& plan, const task_brief& task, lane& work,
                               timestamp now) {
  if (task.parent != 0) {
    const auto bound = origin_of(task.key, task.parent)->spec.max_concurrency;
    auto& leased_children = children_leased_[task.parent];
    if (bound != 0 && leased_children >= bound)
      return false;
    ++leased_children;
  } else {
    plan.changes.run_starts.push_back(rules::plan_run_start(task.run, now));
  }
  work.lease(1);
  plan.changes.moves.push_back(
    rules::plan_claim(task, 1, now, now + context.opts.lease_time));
  plan.due.push_back(task.key);
  return true;
}

void executor_state::forget(const claim& planned) {
  for (auto task : planned.due)
    seen_.erase(task);
  due_hint = due_hint || !planned.due.empty();
  for (const auto& m : planned.changes.moves) {
    if (const auto origin = origin_of(m.tasks.first, m.parent))
      lane_of(*origin)->give_back(m.tasks.count);
    if (m.parent != 0)
      children_leased_[m.parent] -= m.tasks.count;
  }
}

void executor_state::start(const claim& planned, const commit_reply& reply,
                           timestamp now) {
  for (auto task : planned.due)
    seen_.erase(task);
  std::set<task_key> refused;
  for (const auto& r : reply.refusals)
    refused.insert(r.task);
  for (const auto& m : planned.changes.moves) {
    // What was leased, in contiguous parts: each part is a lease of its own.
    auto next = m.tasks.first;
    for (auto task = next; task <= m.tasks.end(); ++task) {
      const auto gap = task == m.tasks.end() || refused.count(task) != 0;
      if (!gap)
        continue;
      if (task > next)
        start_range(m, {next, task - next}, now);
      next = task + 1;
    }
    const auto lost
      = std::count_if(refused.begin(), refused.end(),
                      [&](task_key task) { return m.tasks.contains(task); });
    if (lost > 0) {
      lane_of(*origin_of(m.tasks.first, m.parent))->give_back(lost);
      if (m.parent != 0)
        children_leased_[m.parent] -= lost;
    }
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
  // A retry of the first task may share the key with the lease it came from.
  leases_[tasks.first] += tasks.count;
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

// -- time
// -------------------------------------------------------------------------

std::optional<timestamp> executor_state::next_timeout() const {
  if (timeouts_.empty())
    return std::nullopt;
  return timeouts_.begin()->first;
}

void executor_state::time_out(timestamp now) {
  while (!timeouts_.empty() && timeouts_.begin()->first <= now) {
    const auto task = timeouts_.begin()->second;
    timeouts_.erase(timeouts_.begin());
    const auto held = leased_.find(task);
    if (held == leased_.end())
      continue;
    auto& h = held->second;
    overdue_[{task, h.brief.attempt}] = h.work;
    h.work->work().cancel(task, h.brief.attempt, "timeout");
    auto late = outcome::failure(
      "timeout", "timed out after " + to_text(h.origin->spec.timeout));
    box->report(task, h.brief.attempt, std::move(late), h.origin->spec.timeout);
  }
}

change_set executor_state::plan_extensions(timestamp now) {
  change_set plan;
  for (const auto& [first, left] : leases_)
    plan.extensions.push_back({{first, left}, now + context.opts.lease_time});
  return plan;
}

change_set executor_state::plan_lost(timestamp now) {
  change_set plan;
  std::vector<task_move> again;
  for (const auto& lease :
       reader->load_lost_leases(context.epoch, now, leases_a_page)) {
    if (leases_.count(lease.tasks.first) != 0)
      continue; // ours, and alive: we were asleep
    for (const auto& task : reader->load_running(lease.tasks)) {
      ++context.metrics->lost_leases;
      auto moves = rules::plan_lost_lease(task, context.opts.max_lost, now);
      plan.moves.push_back(std::move(moves.front()));
      if (moves.size() > 1)
        again.push_back(std::move(moves.back()));
    }
    plan.released.push_back(lease.tasks.first);
  }
  rules::merge_ranges(plan.moves);
  rules::merge_ranges(again);
  std::move(again.begin(), again.end(), std::back_inserter(plan.moves));
  return plan;
}

void executor_state::stop_all() {
  for (auto& [task, held] : leased_)
    held.work->work().cancel(task, held.brief.attempt, "shutdown");
}

} // namespace conductor
