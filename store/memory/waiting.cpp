#include <algorithm>
#include <deque>

#include <conductor/event_payload.hpp>

#include "store/memory/apply.hpp"

/// What tasks wait for, and what people change while a run works.
namespace conductor::memory {

// -- dependencies and times ---------------------------------------------------

void applier::create_waiting(const run_record& run, const submission& x) {
  auto key = run.first_task;
  for (const auto& task : x.tasks) {
    waiting_row row;
    row.not_before = task.spec.not_before.from(at_);
    row.held = row.not_before > at_;
    if (row.held)
      wait_until(row.not_before);
    row.left = std::ssize(task.after) + (row.held ? 1 : 0);
    for (const auto place : task.after) {
      const auto before = run.first_task + place;
      m_.dependents[before].push_back({before, key, task.spec.when});
    }
    if (row.left > 0) {
      m_.tasks.at(key).now.due.reset();
      if (task.total >= 0)
        m_.parents.at(key).ready = false;
    }
    if (row.left > 0 || row.not_before != no_time)
      m_.waiting[key] = row;
    ++key;
  }
}

/// Nothing that a task waits for is left.
void applier::release(task_key key) {
  auto& task = m_.tasks.at(key);
  if (!task.leaf) {
    m_.parents.at(key).ready = true;
    touched_parents_.insert(key);
    fact_.due = true;
    return;
  }
  task.now.due = at_;
  fact_.due = true;
}

/// Decides on the tasks that wait for those that have settled, and on the ones
/// that wait for what is skipped thereby. A fence ends them all itself.
void applier::settle_dependents(run_key run, task_range range) {
  if (m_.runs.at(run).fence != fence::none)
    return;
  std::deque<task_key> settled_tasks;
  for (auto key = range.first; key < range.end(); ++key)
    settled_tasks.push_back(key);
  for (; !settled_tasks.empty(); settled_tasks.pop_front()) {
    const auto key = settled_tasks.front();
    const auto found = m_.dependents.find(key);
    if (found == m_.dependents.end())
      continue;
    for (const auto& d : found->second) {
      auto& waiting = m_.waiting.at(d.dependent);
      if (m_.tasks.at(d.dependent).now.state != task_state::pending
          || waiting.left == 0)
        continue;
      if (!meets(d.when, m_.tasks.at(key).now.state)) {
        skip(d.dependent, key);
        settled_tasks.push_back(d.dependent);
      } else if (--waiting.left == 0) {
        release(d.dependent);
      }
    }
  }
}

void applier::skip(task_key key, task_key because) {
  auto& task = m_.tasks.at(key);
  const move_tasks move{.run = task.run,
                        .tasks = {key, 1},
                        .from = task_state::pending,
                        .attempt = task.now.attempt,
                        .to = task_state::cancelled};
  auto& run = m_.runs.at(task.run);
  move_one(move, key);
  m_.waiting.at(key).skipped = true;
  ++run.skipped;
  fact_.moves.push_back(
    {task.run, 0, move.tasks, move.from, move.to, move.attempt, no_time});
  const auto& cause = m_.tasks.at(because);
  emit(task.run, move.tasks,
       task_skipped(m_.templates.at(because).spec.name, cause.now.state));
}

/// A settled top-level task is PENDING again: it waits once more for what has
/// not settled, and those that are PENDING wait for it.
void applier::wait_again(task_range range) {
  for (auto key = range.first; key < range.end(); ++key)
    wait_again(key);
}

void applier::wait_again(task_key key) {
  for (const auto& d : m_.dependents[key]) {
    auto& dependent = m_.tasks.at(d.dependent);
    if (dependent.now.state != task_state::pending)
      continue;
    ++m_.waiting.at(d.dependent).left;
    dependent.now.due.reset();
    if (!dependent.leaf)
      m_.parents.at(d.dependent).ready = false;
  }
  const auto waiting = m_.waiting.find(key);
  if (waiting == m_.waiting.end())
    return;
  auto& row = waiting->second;
  if (row.skipped)
    --m_.runs.at(m_.tasks.at(key).run).skipped;
  row.skipped = row.held = false;
  row.left = 0;
  for (const auto& [before, dependents] : m_.dependents)
    for (const auto& d : dependents)
      row.left += d.dependent == key && !settled(m_.tasks.at(before).now.state);
  if (row.left > 0)
    m_.tasks.at(key).now.due.reset();
  if (!m_.tasks.at(key).leaf)
    m_.parents.at(key).ready = row.left == 0;
}

void applier::apply_part(const release_tasks& x) {
  std::vector<std::pair<timestamp, task_key>> due;
  for (const auto& [key, row] : m_.waiting)
    if (row.held && row.not_before <= at_)
      due.emplace_back(row.not_before, key);
  std::ranges::sort(due);
  due.resize(std::min(due.size(), static_cast<std::size_t>(x.limit)));
  for (const auto& [at, key] : due) {
    auto& row = m_.waiting.at(key);
    row.held = false;
    changed_ = true;
    ++reply_.tasks_changed;
    if (--row.left == 0 && m_.tasks.at(key).now.state == task_state::pending)
      release(key);
  }
}

// -- changes of runs and tasks ------------------------------------------------

void applier::apply_part(const update_run& x) {
  const auto found = m_.runs.find(x.run);
  if (found == m_.runs.end() || !may_update(found->second, x))
    return refuse(0, 0, {});
  auto& run = found->second;
  apply_update(run, x, at_);
  touched_runs_.insert(x.run);
  fact_.updated.push_back(x.run);
  fact_.due |= run.works();
  ++reply_.runs_changed;
  for (const auto& event : x.events)
    emit(x.run, {0, 1}, event);
}

void applier::apply_part(const pause_all& x) {
  changed_ |= m_.all_paused != x.paused;
  m_.all_paused = x.paused;
  std::vector<run_key> runs;
  for (const auto& [key, run] : m_.runs)
    if (!settled(run.state) && run.paused != x.paused)
      runs.push_back(key);
  for (const auto key : runs)
    apply_part(
      update_run{.run = key,
                 .paused = x.paused,
                 .events = {x.paused ? run_paused() : run_unpaused()}});
}

void applier::apply_part(const update_task& x) {
  const auto task = m_.tasks.find(x.task);
  const auto origin = m_.templates.find(x.task);
  const auto parent = m_.parents.find(x.task);
  if (origin == m_.templates.end() || task->second.run != x.run
      || settled(task->second.now.state)
      || (x.fence != fence::none
          && (parent == m_.parents.end()
              || parent->second.fence != fence::none)))
    return refuse(x.task, 0, {});
  auto& spec = origin->second.spec;
  spec.tolerate = x.tolerate.value_or(spec.tolerate);
  spec.max_concurrency = x.max_concurrency.value_or(spec.max_concurrency);
  if (x.priority != 0)
    spec.priority = x.priority;
  if (x.fence != fence::none)
    parent->second.fence = x.fence;
  if (parent != m_.parents.end())
    touched_parents_.insert(x.task);
  changed_ = true;
  fact_.due = true;
  fact_.updated.push_back(x.run);
  ++reply_.tasks_changed;
  for (const auto& event : x.events)
    emit(x.run, {x.task, 1}, event);
}

} // namespace conductor::memory
