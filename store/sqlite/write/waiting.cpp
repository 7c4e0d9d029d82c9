#include <algorithm>
#include <deque>

#include <conductor/definition.hpp>
#include <conductor/event_payload.hpp>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/statements/sql.hpp"
#include "store/sqlite/write/transaction.hpp"

/// What tasks wait for, and what people change while a run works.
namespace conductor::sqlite {

// -- dependencies and times ---------------------------------------------------

/// Writes what a new task waits for; returns whether there is anything.
bool transaction::add_waiting(task_key first, task_key task,
                              const task_submission& t) {
  const auto not_before = t.spec.not_before.from(at_);
  const auto held = not_before > at_;
  if (held)
    wait_until(not_before);
  for (const auto place : t.after)
    db_.prepared(sql::insert_dependency).run(first + place, task, t.spec.when);
  const auto left = std::ssize(t.after) + (held ? 1 : 0);
  if (left > 0 || not_before != no_time)
    db_.prepared(sql::insert_waiting).run(task, left, not_before, held);
  return left > 0;
}

std::optional<transaction::waiting_entry>
transaction::find_waiting(task_key task) {
  std::optional<waiting_entry> found;
  db_.prepared(sql::load_waiting)
    .each(
      [&](statement& row) {
        found = {row.integer(0), row.integer(2) != 0, row.integer(3) != 0};
      },
      task);
  return found;
}

void transaction::write_waiting(task_key task, const waiting_entry& w) {
  db_.prepared(sql::update_waiting).run(w.left, w.held, w.skipped, task);
}

/// Lets a PENDING task begin, or makes it wait: a leaf gets or loses its due
/// time, a parent is ready or not.
void transaction::set_ready(run_entry& run, task_key task, bool ready) {
  if (auto* parent = find_parent(task)) {
    find_parent(task, true);
    parent->ready = ready;
    fact_.due |= ready;
    return;
  }
  const auto rows = touched_segments(db_, {task, 1});
  if (rows.empty() || rows.front().tasks.state != task_state::pending)
    return;
  const auto& row = rows.front();
  std::vector<segment_row> pieces;
  const auto keep = [&](task_range range, bool changed) {
    if (const auto part = cut(row.tasks, range)) {
      auto& piece = pieces.emplace_back(row);
      piece.tasks = *part;
      if (changed)
        piece.tasks.due = ready ? std::optional{at_} : std::nullopt;
    }
  };
  const auto [first, count]
    = std::pair{row.tasks.tasks.first, row.tasks.tasks.count};
  keep({first, task - first}, false);
  keep({task, 1}, true);
  keep({task + 1, first + count - task - 1}, false);
  replace_segments(db_, first, first, pieces);
  if (ready)
    offer(row.handler, run.record, {row.block, row.priority});
}

/// Decides on the tasks that wait for those that have settled, and on the ones
/// that wait for what is skipped thereby. A fence ends them all itself.
void transaction::settle_dependents(run_entry& run, task_range range) {
  if (run.record.fence != fence::none)
    return;
  std::deque<task_range> ranges{range};
  for (; !ranges.empty(); ranges.pop_front()) {
    std::vector<dependency> found;
    db_.prepared(sql::dependents_of)
      .each(
        [&](statement& row) {
          found.push_back({row.integer(0), row.integer(1),
                           static_cast<condition>(row.integer(2))});
        },
        ranges.front().first, ranges.front().end() - 1);
    for (const auto& d : found)
      if (settle_dependent(run, d))
        ranges.push_back({d.dependent, 1});
  }
}

/// Returns whether the dependent is skipped.
bool transaction::settle_dependent(run_entry& run, const dependency& d) {
  auto waiting = find_waiting(d.dependent);
  const auto rows = touched_segments(db_, {d.dependent, 1});
  if (!waiting || waiting->left == 0 || rows.empty()
      || rows.front().tasks.state != task_state::pending)
    return false;
  const auto cause = touched_segments(db_, {d.task, 1}).front().tasks.state;
  if (meets(d.when, cause)) {
    --waiting->left;
    write_waiting(d.dependent, *waiting);
    if (waiting->left == 0)
      set_ready(run, d.dependent, true);
    return false;
  }
  std::string name;
  db_.prepared(sql::name_of_task)
    .each([&](statement& row) { name = row.text(0); }, d.task);
  const move_tasks skip{.run = run.record.key,
                        .tasks = {d.dependent, 1},
                        .from = task_state::pending,
                        .attempt = rows.front().tasks.attempt,
                        .to = task_state::cancelled,
                        .events = {task_skipped(name, cause)}};
  move_rows(skip, skip, run);
  waiting->skipped = true;
  write_waiting(d.dependent, *waiting);
  ++run.record.skipped;
  return true;
}

/// Settled top-level tasks are PENDING again: each waits once more for what has
/// not settled, and those that are PENDING wait for it.
void transaction::wait_again(run_entry& run, task_range range) {
  for (auto task = range.first; task < range.end(); ++task) {
    std::vector<task_key> dependents;
    db_.prepared(sql::dependents_of)
      .each([&](statement& row) { dependents.push_back(row.integer(1)); }, task,
            task);
    for (const auto dependent : dependents) {
      const auto rows = touched_segments(db_, {dependent, 1});
      auto waiting = find_waiting(dependent);
      if (!waiting || rows.empty()
          || rows.front().tasks.state != task_state::pending)
        continue;
      ++waiting->left;
      write_waiting(dependent, *waiting);
      set_ready(run, dependent, false);
    }
    if (auto waiting = find_waiting(task))
      wait_again(run, task, *waiting);
  }
}

void transaction::wait_again(run_entry& run, task_key task,
                             waiting_entry waiting) {
  std::vector<task_key> before;
  db_.prepared(sql::dependencies_of)
    .each([&](statement& row) { before.push_back(row.integer(0)); }, task);
  const auto open = [&](task_key key) {
    const auto rows = touched_segments(db_, {key, 1});
    return !rows.empty() && !settled(rows.front().tasks.state);
  };
  run.record.skipped -= waiting.skipped ? 1 : 0;
  waiting = {std::ranges::count_if(before, open), false, false};
  write_waiting(task, waiting);
  if (waiting.left > 0)
    set_ready(run, task, false);
  else if (auto* parent = find_parent(task))
    parent->ready = true;
}

void transaction::apply_part(const release_tasks& r) {
  std::vector<task_key> tasks;
  db_.prepared(sql::held_until)
    .each([&](statement& row) { tasks.push_back(row.integer(0)); }, at_,
          r.limit);
  for (const auto task : tasks) {
    auto waiting = *find_waiting(task);
    waiting.held = false;
    --waiting.left;
    write_waiting(task, waiting);
    ++scope_.reply.tasks_changed;
    const auto rows = touched_segments(db_, {task, 1});
    const auto* block = rows.empty() ? nullptr : block_of(rows.front().block);
    if (waiting.left == 0 && block
        && rows.front().tasks.state == task_state::pending)
      set_ready(*find_run(block->run), task, true);
  }
}

// -- changes of runs and tasks ------------------------------------------------

void transaction::apply_part(const update_run& u) {
  if (names_dropped(u.run))
    return;
  auto* run = find_run(resolve_run(u.run));
  if (!run || run->record.key == 0 || !may_update(run->record, u))
    return refuse(0);
  apply_update(run->record, u, at_);
  run->touched = true;
  fact_.updated.push_back(run->record.key);
  ++scope_.reply.runs_changed;
  if (run->record.works())
    offer_run(run->record);
  fact_.due |= run->record.works();
  for (const auto& event : u.events)
    write_event(*run, {0, 1}, event);
}

void transaction::apply_part(const pause_all& p) {
  if (cache_.all_paused != p.paused)
    db_.prepared(sql::set_engine_paused).run(p.paused);
  cache_.all_paused = p.paused;
  std::set<run_key> runs;
  db_.prepared(sql::open_runs_by_pause)
    .each([&](statement& row) { runs.insert(row.integer(0)); }, p.paused);
  for (const auto& [key, run] : runs_) // what this transaction has changed
    if (key != 0 && !settled(run.record.state) && run.record.paused != p.paused)
      runs.insert(key);
    else
      runs.erase(key);
  for (const auto key : runs)
    apply_part(
      update_run{.run = key,
                 .paused = p.paused,
                 .events = {p.paused ? run_paused() : run_unpaused()}});
}

namespace {

task_spec updated(task_spec spec, const update_task& u) {
  spec.tolerate = u.tolerate.value_or(spec.tolerate);
  spec.max_concurrency = u.max_concurrency.value_or(spec.max_concurrency);
  if (u.priority != 0)
    spec.priority = u.priority;
  return spec;
}

} // namespace

void transaction::apply_part(const update_task& u) {
  if (names_dropped(u.run))
    return;
  const auto task = resolve_task(u.task);
  auto* run = find_run(resolve_run(u.run));
  std::optional<task_spec> spec;
  db_.prepared(sql::load_spec)
    .each(
      [&](statement& row) {
        auto stored = from_stored_text(row.text(1));
        if (!stored)
          throw damaged("task", task, stored.error().message);
        if (run && row.integer(0) == run->record.key)
          spec = std::move(*stored);
      },
      task);
  const auto rows = touched_segments(db_, {task, 1});
  auto* parent = find_parent(task);
  if (!run || !spec || rows.empty() || settled(rows.front().tasks.state)
      || (u.fence != fence::none && (!parent || parent->fence != fence::none)))
    return refuse_as_it_stands(task, {});
  const auto changed = updated(*spec, u);
  if (changed != *spec)
    db_.prepared(sql::update_template).run(define(changed).definition, task);
  if (u.max_concurrency && parent)
    db_.prepared(sql::set_bound).run(*u.max_concurrency, task);
  if (u.priority != 0)
    set_priority(*run, task, parent, u.priority);
  if (u.fence != fence::none)
    parent->fence = u.fence;
  if (parent)
    find_parent(task, true);
  cache_.bounds.erase(task);
  fact_.due = true;
  fact_.updated.push_back(run->record.key);
  ++scope_.reply.tasks_changed;
  for (const auto& event : u.events)
    write_event(*run, {task, 1}, event);
}

void transaction::set_priority(run_entry& run, task_key task,
                               const parent_record* parent,
                               std::int32_t priority) {
  if (parent) {
    db_.prepared(sql::set_parent_priority).run(priority, task);
    db_.prepared(sql::set_segment_priority)
      .run(priority, parent->base, parent->base + parent->expanded);
  } else {
    const auto row = touched_segments(db_, {task, 1}).front();
    std::vector<segment_row> pieces;
    for (const auto& [first, end] :
         {std::pair{row.tasks.tasks.first, task}, std::pair{task, task + 1},
          std::pair{task + 1, row.tasks.tasks.end()}})
      if (const auto part = cut(row.tasks, {first, end - first})) {
        auto& piece = pieces.emplace_back(row);
        piece.tasks = *part;
        if (first == task)
          piece.priority = priority;
      }
    replace_segments(db_, row.tasks.tasks.first, row.tasks.tasks.first, pieces);
  }
  if (run.record.works())
    offer_run(run.record);
}

} // namespace conductor::sqlite
