#include <algorithm>

#include <conductor/event_payload.hpp>

#include "store/memory/apply.hpp"

/// Moves of tasks, and the claims that make some.
namespace conductor::memory {

void applier::apply_part(const move_tasks& x) {
  const auto first_refusal = reply_.refusals.size();
  if (!m_.runs.contains(x.run)) {
    reply_.refusals.push_back(
      {scope_.part, x.tasks.first, x.attempt, x.to, task_state{}, 0});
    return;
  }
  std::vector<task_range> moved;
  for (auto key = x.tasks.first; key < x.tasks.end();) {
    const auto first = key;
    for (; key < x.tasks.end() && guard_holds(x, key); ++key)
      move_one(x, key);
    if (key > first) {
      moved.push_back({first, key - first});
      finish_range(x, moved.back());
    } else {
      refuse(x, key++);
    }
  }
  if (x.report_late)
    report_late(x, first_refusal);
  if (x.parent)
    return;
  for (const auto& range : moved)
    if (settled(x.from))
      wait_again(range);
    else if (settled(x.to))
      settle_dependents(x.run, range);
}

/// Whether a move names a task with its run and parent.
bool applier::names(const move_tasks& x, task_key key) const {
  const auto found = m_.tasks.find(key);
  return found != m_.tasks.end() && found->second.run == x.run
         && found->second.parent == x.parent;
}

/// A task of another run or parent is refused as one that does not exist.
void applier::refuse(const move_tasks& x, task_key key) {
  if (names(x, key))
    refuse(key, x.attempt, x.to);
  else
    reply_.refusals.push_back(
      {scope_.part, key, x.attempt, x.to, task_state{}, 0});
}

bool applier::guard_holds(const move_tasks& x, task_key key) const {
  if (!names(x, key))
    return false;
  const auto& row = m_.tasks.at(key);
  const auto* parent = row.parent ? &m_.parents.at(row.parent) : nullptr;
  return legal_task_move(row.leaf, x.from, x.to)
         && may_move_tasks(m_.runs.at(row.run), parent, x)
         && conductor::guard_holds(row.now, x, m_.epoch);
}

void applier::move_one(const move_tasks& x, task_key key) {
  auto& row = m_.tasks.at(key);
  count(x, row);
  row.now = conductor::apply_move(row.now, x, at_, m_.epoch, row.leaf);
  if (!x.error.empty())
    row.error = x.error;
  if (!row.leaf)
    move_parent(x, key, row);
  const auto place = static_cast<std::size_t>(key - x.tasks.first);
  if (place < x.outputs.size() && !x.outputs[place].empty())
    row.output = x.outputs[place];
  if (row.leaf && x.to == task_state::pending)
    fact_.due = true;
}

/// A parent's record follows its task. PENDING again, it has no result: it will
/// be aggregated once more.
void applier::move_parent(const move_tasks& x, task_key key, task_row& row) {
  auto& parent = m_.parents.at(key);
  parent.state = x.to;
  derive_counts(parent);
  touched_parents_.insert(key);
  if (x.to == task_state::pending) {
    reopen(parent, m_.reserved.at(key));
    fact_.due = true; // what is PENDING below may be leased again
    row.output.clear();
    row.error.clear();
  }
}

void applier::count(const move_tasks& x, task_row& row) {
  ++reply_.tasks_changed;
  auto& run = m_.runs.at(row.run);
  if (x.budgeted) {
    ++run.retries;
    touched_runs_.insert(row.run);
  }
  if (!row.parent) {
    if (count_top_level(run, x.from, x.to, 1))
      touched_runs_.insert(row.run);
    return;
  }
  count_children(m_.parents.at(row.parent), x.from, x.to, 1);
  touched_parents_.insert(row.parent);
  if (x.from == task_state::running
      && m_.templates.at(row.parent).spec.max_concurrency > 0)
    fact_.due = true;
}

/// What a contiguous part of a move's range has in common, once it has moved.
void applier::finish_range(const move_tasks& x, task_range range) {
  auto& pass = begin_pass(x.run);
  pass.tasks += range.count;
  pass.parents += x.parent == 0 ? range.count : 0;
  const auto waits
    = x.to == task_state::pending || x.to == task_state::retrying;
  fact_.moves.push_back({x.run, x.parent, range, x.from, x.to,
                         x.attempt + (x.to == task_state::running ? 1 : 0),
                         waits ? at_ + x.delay : no_time});
  for (const auto& event : x.events)
    emit(x.run, range, event, at_ + x.delay);
}

void applier::report_late(const move_tasks& x, std::size_t first_refusal) {
  const auto parent = m_.parents.find(x.parent);
  const auto by = fence_of(
    m_.runs.at(x.run), parent == m_.parents.end() ? nullptr : &parent->second);
  const auto& refusals = reply_.refusals;
  for (auto i = first_refusal; i < refusals.size(); ++i)
    if (const auto why = late_reason(refusals[i], by))
      emit(x.run, {refusals[i].task, 1},
           task_late_result(refusals[i].planned_attempt, *why));
}

// -- claims -------------------------------------------------------------------

void applier::apply_part(const claim_tasks& x) {
  auto left = x.limit;
  for (const auto& room : x.rooms)
    left -= claim(room, std::min(left, room.tasks));
}

std::int64_t applier::claim(const handler_room& room, std::int64_t wanted) {
  const auto places = places_of(room.handler);
  const auto take = [&](std::int32_t priority, run_key run, std::int64_t most) {
    std::int64_t taken = 0;
    for (const auto& place : places[static_cast<std::size_t>(priority)].at(run))
      taken += claim_from(room.handler, place, most - taken);
    return taken;
  };
  if (room.parent == 0)
    return m_.turns[room.handler].claim(
      places, wanted, take, [&](std::int32_t priority) {
        return !places[static_cast<std::size_t>(priority)].empty();
      });
  const auto parent = m_.parents.find(room.parent);
  if (parent == m_.parents.end() || parent->second.expanded == 0)
    return 0;
  const auto own = m_.templates.at(room.parent).spec.priority;
  return claim_from(room.handler, {parent->second.base, own}, wanted);
}

bool applier::claimable(const std::string& handler, task_key key,
                        const task_row& row) const {
  if (!row.leaf || row.now.state != task_state::pending || !row.now.due
      || *row.now.due > at_ || !m_.runs.at(row.run).works())
    return false;
  if (row.parent) {
    const auto& parent = m_.parents.at(row.parent);
    if (parent.state != task_state::pending || parent.fence != fence::none)
      return false;
  }
  return m_.template_of(key, row).spec.handler == handler;
}

/// Where there are claimable tasks.
claim_places applier::places_of(const std::string& handler) const {
  claim_places places;
  for (const auto& [key, row] : m_.tasks) {
    if (!claimable(handler, key, row))
      continue;
    const auto own = m_.template_of(key, row).spec.priority;
    const auto p = own != 0 ? own : m_.runs.at(row.run).priority;
    places[static_cast<std::size_t>(p)][row.run].insert(
      {m_.block_of(row), own});
  }
  return places;
}

/// Whether a task may run beside its RUNNING siblings and `more` of them.
bool applier::has_room(const task_row& row, std::int64_t more) const {
  if (!row.parent)
    return true;
  const auto bound = m_.templates.at(row.parent).spec.max_concurrency;
  return bound <= 0
         || m_.parents.at(row.parent).children.running + more < bound;
}

std::int64_t applier::claim_from(const std::string& handler, claim_place place,
                                 std::int64_t wanted) {
  const auto [block, own] = place;
  std::vector<task_group> groups;
  std::int64_t granted = 0;
  for (auto i = m_.tasks.lower_bound(block);
       i != m_.tasks.end() && m_.block_of(i->second) == block; ++i) {
    const auto& [key, row] = *i;
    if (!claimable(handler, key, row)
        || m_.template_of(key, row).spec.priority != own)
      continue;
    if (granted >= wanted || !has_room(row, granted))
      break;
    ++granted;
    auto group = group_of(key, row);
    group.due = no_time;
    join(groups, group);
  }
  for (const auto& group : groups)
    grant(group);
  return granted;
}

/// A grant is a move like any other, except that it may start the run.
void applier::grant(task_group group) {
  if (m_.runs.at(group.run).state == run_state::pending)
    apply_part(start_of_run(group.run));
  move_tasks lease;
  lease.run = group.run;
  lease.parent = group.parent;
  lease.tasks = group.tasks;
  lease.attempt = group.attempt;
  lease.to = task_state::running;
  lease.events = {task_started(group.attempt + 1)};
  apply_part(lease);
  ++group.attempt;
  group.state = task_state::running;
  reply_.granted.push_back(group);
}

} // namespace conductor::memory
