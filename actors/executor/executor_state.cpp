#include "actors/executor/executor_state.hpp"

#include <thread>

#include <conductor/event_payload.hpp>
#include <conductor/lifecycle.hpp>

#include "actors/executor/outcome_plan.hpp"
#include "actors/rules/lease_rules.hpp"

namespace conductor {

namespace {

using steady = execution_time::clock;

/// An attempt that has not begun this long after its lease is released.
constexpr milliseconds longest_wait{100};
/// How often that is looked at while something waits.
constexpr milliseconds withdrawal_interval{40};

constexpr std::size_t lost_page = 1000; ///< groups

} // namespace

void executor_state::init(role_context given, handler_map handlers) {
  context = std::move(given);
  reader = context.open_reader();
  box = context.outcomes;
  const auto& opts = context.opts;
  slots_ = opts.workers ? opts.workers
                        : std::max(1u, std::thread::hardware_concurrency());
  for (auto& [handler_name, work] : handlers)
    handlers_.try_emplace(handler_name, work, slots_, opts.lease_ahead,
                          context.metrics->of_handler(handler_name));
  random_.seed(opts.seed ? opts.seed : std::random_device{}());
}

// -- claims -------------------------------------------------------------------

executor_state::asked_rooms executor_state::ask() {
  asked_rooms asked;
  auto left = context.opts.claim_page;
  // A handler that always has room must not have the whole page every time.
  auto next = handlers_.upper_bound(last_served_);
  for (auto i = handlers_.size(); i > 0; --i, ++next) {
    if (next == handlers_.end())
      next = handlers_.begin();
    auto request = next->second.ask(left);
    const auto tasks = request.total();
    if (tasks == 0)
      continue;
    if (asked.empty())
      last_served_ = next->first;
    left -= tasks;
    asked.emplace(next->first, std::move(request));
  }
  return asked;
}

change_set executor_state::plan_claim(const asked_rooms& asked) {
  change_set changes;
  auto& claim = changes.add(claim_tasks{});
  for (const auto& [handler_name, request] : asked) {
    handler_slots::add_rooms(request, handler_name, claim.rooms);
    claim.limit += request.total();
  }
  return changes;
}

void executor_state::answer(const asked_rooms& asked,
                            const commit_reply& reply) {
  std::map<std::string, std::map<task_key, std::int64_t>> granted;
  for (const auto& group : reply.granted) {
    const auto origin
      = templates_.find(group.tasks.first, group.parent, *reader);
    granted[origin->spec.handler][group.parent] += group.tasks.count;
  }
  for (const auto& [handler_name, request] : asked)
    handlers_.at(handler_name).answer(request, granted[handler_name]);
}

void executor_state::start(const commit_reply& reply) {
  for (const auto& group : reply.granted) {
    if (group.parent != 0) {
      start_group(group, reply.at);
      continue;
    }
    // Each top-level task has a definition of its own.
    for (auto task = group.tasks.first; task < group.tasks.end(); ++task) {
      auto single = group;
      single.tasks = {task, 1};
      start_group(single, reply.at);
    }
  }
}

void executor_state::start_group(const task_group& group, timestamp leased_at) {
  auto origin = templates_.find(group.tasks.first, group.parent, *reader);
  auto& slots = handlers_.at(origin->spec.handler);
  const auto timeout = origin->spec.timeout;
  // Handlers go by the steady clock.
  const auto now = context.clock();
  const auto ago = std::max(now - leased_at, milliseconds{0});
  auto& g = attempts_.add(
    {group, std::move(origin), slots, leased_at, steady::now() - ago});
  if (timeout.count() > 0 && !slots.traits().own_timeout)
    attempts_.set_timeout(g, now + timeout);
  if (next_withdrawal_ == no_time && slots.any_waiting())
    next_withdrawal_ = now + withdrawal_interval;
  start_attempts(g);
}

void executor_state::start_attempts(grant& g) {
  const auto& group = g.group;
  const auto& origin = *g.origin;
  const auto stored = group.parent != 0 && origin.items != 0;
  auto items = stored ? reader->texts(text_kind::item, group.tasks)
                      : std::vector<std::string>{};
  attempt a{.origin = g.origin,
            .parent = group.parent,
            .number = group.attempt,
            .ids = reader->ids()};
  for (auto task = group.tasks.first; task < group.tasks.end(); ++task) {
    a.task = task;
    if (group.parent != 0) {
      a.index = task - origin.base + 1;
      a.item = stored ? std::move(
                 items[static_cast<std::size_t>(task - group.tasks.first)])
                      : derived_item(origin.spec.fanout, a.index);
    }
    g.slots->work().start(a, *box);
  }
}

// -- outcomes -----------------------------------------------------------------

change_set executor_state::plan_outcomes(bool waited) {
  // Half of what is leased stays with the handlers meanwhile, and enough for
  // every slot.
  const auto& opts = context.opts;
  const auto gather = !waited && ticking && opts.gather_time.count() > 0;
  const auto kept = std::max<std::int64_t>(unsettled() / 2, slots_);
  const auto enough
    = gather ? std::max<std::int64_t>(unsettled() - kept, 1) : 1;
  auto entries = box->take(static_cast<std::size_t>(enough));
  const auto earlier = [](const auto& x, const auto& y) {
    return std::pair{x.which.number, x.which.task}
           < std::pair{y.which.number, y.which.task};
  };
  if (!std::is_sorted(entries.begin(), entries.end(), earlier))
    std::stable_sort(entries.begin(), entries.end(), earlier);
  outcome_plan plan{budgets_, *reader, random_};
  for (auto& entry : entries)
    settle(entry, plan);
  auto changes = plan.finish();
  context.metrics->retries += plan.retries();
  return changes;
}

/// A timeout is reported twice: when the executor gives the attempt up, and
/// when the handler has ended it.
void executor_state::settle(outcome_queue::entry& entry, outcome_plan& plan) {
  const auto task = entry.which.task;
  auto* g = attempts_.find(entry.which);
  if (!g)
    return;
  if (!entry.timed_out && !g->ended(task))
    attempts_.end(*g, task, entry.ran.busy);
  if (!g->settled(task)) {
    auto& figures = g->slots->metrics();
    const auto succeeded = entry.result.succeeded;
    figures.seconds.observe(
      std::chrono::duration<double>{entry.ran.busy}.count());
    ++(succeeded ? figures.succeeded : figures.failed);
    attempts_.settle(*g, task);
    // An attempt that stopped because of a cancel has no result.
    if (succeeded || !g->cancelled(task))
      plan.add(*g, std::move(entry));
  }
  attempts_.drop_if_done(*g);
}

void executor_state::count_late(const std::vector<refusal>& refusals) {
  for (const auto& r : refusals)
    if (late_reason(r))
      ++context.metrics->late_results;
}

// -- what does not end by itself ----------------------------------------------

change_set executor_state::plan_lost(task_key& after) {
  change_set changes;
  const auto page = reader->groups(
    {.of = group_query::kind::abandoned, .after = after, .limit = lost_page});
  for (const auto& group : page) {
    context.metrics->lost_leases += group.tasks.count;
    report.found += group.tasks.count;
    for (auto& move : rules::plan_lost_lease(group, context.opts.max_lost))
      changes.add(std::move(move));
    after = group.tasks.end() - 1;
  }
  return changes;
}

change_set executor_state::plan_releases(const std::vector<task_group>& groups,
                                         std::string_view because) {
  change_set changes;
  for (const auto& group : groups)
    for (auto& move : rules::plan_release(group, because))
      changes.add(std::move(move));
  return changes;
}

change_set executor_state::withdraw_all() {
  std::vector<attempt_key> withdrawn;
  for (auto& [handler_name, slots] : handlers_)
    for (const auto& which : slots.work().withdraw())
      withdrawn.push_back(which);
  return plan_releases(attempts_.take_back(std::move(withdrawn)),
                       reason::stopped);
}

change_set executor_state::withdraw_overdue() {
  next_withdrawal_ = no_time;
  std::vector<attempt_key> withdrawn;
  const auto now = context.clock();
  for (auto& [handler_name, slots] : handlers_) {
    if (!slots.any_waiting())
      continue;
    const auto keys = slots.work().withdraw(steady::now() - longest_wait);
    withdrawn.insert(withdrawn.end(), keys.begin(), keys.end());
    if (!keys.empty())
      for (auto parent : attempts_.parents_before(slots, now - longest_wait))
        slots.hold_up(parent);
  }
  auto groups = attempts_.take_back(std::move(withdrawn));
  for (auto& [handler_name, slots] : handlers_)
    if (slots.any_waiting())
      next_withdrawal_ = now + withdrawal_interval;
  return plan_releases(groups, reason::not_begun);
}

change_set executor_state::plan_give_back() const {
  return plan_releases(attempts_.unsettled_groups(), reason::stopped);
}

/// For an attempt that may have waited within its handler after its lease.
milliseconds executor_state::time_left(const grant& g, task_key task) {
  const auto whole = g.origin->spec.timeout;
  if (!g.slots->traits().queues)
    return milliseconds{0};
  const auto began = g.slots->work().began_at({task, g.group.attempt});
  return began
           ? whole - std::chrono::floor<milliseconds>(steady::now() - *began)
           : whole;
}

void executor_state::time_out(timestamp now) {
  for (auto* g : attempts_.timed_out(now))
    time_out(*g, now);
}

void executor_state::time_out(grant& g, timestamp now) {
  const auto timeout = g.origin->spec.timeout;
  auto next = milliseconds::max();
  for (auto task = g.group.tasks.first; task < g.group.tasks.end(); ++task) {
    if (g.settled(task))
      continue;
    if (const auto left = time_left(g, task); left > milliseconds{0}) {
      next = std::min(next, left);
      continue;
    }
    const attempt_key which{task, g.group.attempt};
    // Before the handler reports in its own way that it was told to stop.
    box->add({which,
              outcome::failure(std::string{error_type::timeout},
                               "timed out after " + to_text(timeout)),
              {steady::now() - timeout, timeout},
              true});
    g.slots->work().stop(which, stop_reason::timeout);
  }
  if (next != milliseconds::max())
    attempts_.set_timeout(g, now + next);
}

std::optional<timestamp> executor_state::next_check() const {
  auto next = attempts_.next_timeout();
  if (next_withdrawal_ != no_time && (!next || next_withdrawal_ < *next))
    next = next_withdrawal_;
  return next;
}

// -- facts --------------------------------------------------------------------

void executor_state::hear(const committed& fact) {
  if (fact.due)
    hear_news();
  for (const auto& parent : fact.parents)
    if (settled(parent.state)) {
      templates_.forget(parent.task);
      for (auto& [handler_name, slots] : handlers_)
        slots.forget(parent.task);
    }
  for (const auto& run : fact.progress)
    if (settled(run.state))
      budgets_.forget(run.key);
  for (const auto& m : fact.moves) {
    // By a cancel or a deadline; what this executor settled is not found.
    if (m.from != task_state::running
        || (m.to != task_state::cancelled && m.to != task_state::failed))
      continue;
    for (const auto& which : attempts_.cancel(m.tasks, m.attempt))
      attempts_.find(which)->slots->work().stop(which, stop_reason::cancelled);
  }
}

void executor_state::hear_news() {
  for (auto& [handler_name, slots] : handlers_)
    slots.hear_news();
}

void executor_state::stop_all() {
  attempts_.for_each_unsettled([](const grant& g, task_key task) {
    g.slots->work().stop({task, g.group.attempt}, stop_reason::shutdown);
  });
}

} // namespace conductor
