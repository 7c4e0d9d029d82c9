#include "actors/executor_state.hpp"

#include <thread>

#include <conductor/aggregate_rules.hpp>

namespace conductor {

namespace {

constexpr std::size_t origins_kept = 10'000;
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
    if (const auto id = parse_ulid(run.id))
      look_from({from_ms(static_cast<std::int64_t>(id->ms)), run.first_task});
  for (const auto& parent : fact.parents) {
    sources_.hear(parent);
    if (parent.state != task_state::pending)
      origins_.erase(parent.task);
  }
  for (const auto& run : fact.progress)
    if (settled(run.state))
      budgets_.erase(run.key);
  for (const auto& m : fact.moves) {
    if (m.to == task_state::pending && m.until != no_time)
      look_from({m.until, m.tasks.first});
    if (m.to != task_state::cancelled)
      continue;
    for (auto task = m.tasks.first; task < m.tasks.end(); ++task)
      if (const auto held = leased_.find(task); held != leased_.end())
        held->second.work->work().cancel(task, held->second.brief.attempt,
                                         "cancelled");
  }
}

/// A task has fallen due. The clock may have been set back since it was told
/// when: that is no reason to wait.
void executor_state::look_from(due_position first) {
  latest_due_ = std::max(latest_due_, first.at);
  due_.look_from({first.at, first.task - 1});
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
  if (due_.empty())
    due_.look_from({});
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

// -- claims --

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

// -- time --

std::optional<timestamp> executor_state::next_timeout() const {
  if (timeouts_.empty())
    return std::nullopt;
  return timeouts_.begin()->first;
}

/// Of an attempt that waited for its turn after it had been leased.
milliseconds executor_state::time_left(task_key task, const leased_task& held) {
  const auto whole = held.origin->spec.timeout;
  const auto ran = held.work->work().running_for(task, held.brief.attempt);
  return ran ? whole - *ran : milliseconds{0};
}

void executor_state::time_out(timestamp now) {
  while (!timeouts_.empty() && timeouts_.begin()->first <= now) {
    const auto task = timeouts_.begin()->second;
    timeouts_.erase(timeouts_.begin());
    const auto held = leased_.find(task);
    if (held == leased_.end())
      continue;
    auto& h = held->second;
    if (const auto left = time_left(task, h); left > milliseconds{0}) {
      h.timeout = now + left;
      timeouts_.emplace(h.timeout, task);
      continue;
    }
    overdue_[{task, h.brief.attempt}] = h.work;
    h.work->work().cancel(task, h.brief.attempt, "timeout");
    auto late = outcome::failure(
      "timeout", "timed out after " + to_text(h.origin->spec.timeout));
    box->report(task, h.brief.attempt, std::move(late), h.origin->spec.timeout);
  }
}

change_set executor_state::plan_extensions(timestamp now) {
  change_set plan;
  leases_.for_each_held([&](task_key first) {
    plan.extensions.push_back({{first, 1}, now + context.opts.lease_time});
  });
  return plan;
}

namespace {

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

change_set executor_state::plan_give_back(timestamp now) {
  change_set plan;
  return_moves given;
  std::map<task_key, std::int32_t> attempts; // in the order of tasks
  for (const auto& [task, held] : leased_)
    attempts[task] = held.brief.attempt;
  for (const auto& [task, attempt] : attempts)
    for (const auto& running : reader->load_running({task, 1}))
      if (running.attempt == attempt)
        given.add(rules::plan_give_back(running, now));
  leases_.for_each_held(
    [&](task_key first) { plan.released.push_back(first); });
  given.put_into(plan);
  return plan;
}

void executor_state::stop_all() {
  for (auto& [task, held] : leased_)
    held.work->work().cancel(task, held.brief.attempt, "shutdown");
}

} // namespace conductor
