#include "actors/executor/executor_state.hpp"

#include <thread>

#include "actors/rules/aggregate_rules.hpp"

namespace conductor {

namespace {

constexpr std::size_t origins_kept = 10'000;

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
      if (const auto held = leased_.find(task); held != leased_.end()) {
        held->second.cancelled = true;
        held->second.work->work().stop({task, held->second.brief.attempt},
                                       stop_reason::cancelled);
      }
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

std::optional<timestamp> executor_state::next_timeout() const {
  if (timeouts_.empty())
    return std::nullopt;
  return timeouts_.begin()->first;
}

/// The timeout counts from the real beginning, which may be later than the
/// lease.
milliseconds executor_state::time_left(task_key task, const leased_task& held) {
  const auto whole = held.origin->spec.timeout;
  if (!held.work->traits().queues)
    return milliseconds{0};
  const auto began = held.work->work().began_at({task, held.brief.attempt});
  return began ? whole
                   - std::chrono::duration_cast<milliseconds>(
                     execution_time::clock::now() - *began)
               : whole;
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
    // Before the handler says in its own way that it was told to stop.
    const auto whole = h.origin->spec.timeout;
    box->report(
      {task, h.brief.attempt},
      outcome::failure("timeout", "timed out after " + to_text(whole)),
      {execution_time::clock::now() - whole, whole});
    h.work->work().stop({task, h.brief.attempt}, stop_reason::timeout);
  }
}

void executor_state::stop_all() {
  for (auto& [task, held] : leased_)
    held.work->work().stop({task, held.brief.attempt}, stop_reason::shutdown);
}

} // namespace conductor
