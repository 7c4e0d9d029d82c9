#include <algorithm>
#include <cassert>

#include "store/memory/apply.hpp"

namespace conductor::memory {

void derive(fanout_record& f) {
  auto& c = f.children;
  c.pending = f.expanded - c.running - c.retrying - c.settled();
  c.unborn = f.total - f.expanded;
}

void applier::move(const task_move& x) {
  advance_claims(x);
  for (auto key = x.tasks.first; key < x.tasks.end();) {
    const auto first = key;
    for (; key < x.tasks.end() && guard_holds(x, key); ++key)
      move_one(x, key);
    if (key > first)
      finish_range(x, {first, key - first});
    else
      refuse(key++, x.attempt, x.to);
  }
}

/// The cursor passes refused children too: they were claimed already or are
/// settled, and it would wait for them for ever.
void applier::advance_claims(const task_move& x) {
  if (x.to != task_state::running || !x.parent || x.attempt != 0)
    return;
  const auto found = m_.fanouts.find(x.parent);
  if (found == m_.fanouts.end())
    return;
  auto& f = found->second;
  const auto end = std::min(x.tasks.end() - f.base, f.expanded);
  if (x.tasks.first - f.base != f.claimed || end <= f.claimed)
    return;
  f.claimed = end;
  touched_parents_.insert(f.task);
}

bool applier::guard_holds(const task_move& x, task_key key) const {
  const auto found = m_.tasks.find(key);
  if (found == m_.tasks.end())
    return false;
  const auto& row = found->second;
  assert(row.run == x.run && row.parent == x.parent);
  return row.state == x.from && row.attempt == x.attempt;
}

void applier::move_one(const task_move& x, task_key key) {
  auto& row = m_.tasks.at(key);
  assert(m_.fanouts.contains(key) ? legal_parent_move(x.from, x.to)
                                  : legal_leaf_move(x.from, x.to));
  recount(row, key, x.to);
  stamp(x, key, row);
  if (x.to == task_state::retrying && !x.lost) {
    ++m_.runs.at(row.run).record.retries;
    touched_runs_.insert(row.run);
  }
}

void applier::stamp(const task_move& x, task_key key, task_row& row) {
  row.state = x.to;
  row.updated_at = x.at;
  if (x.to == task_state::running) {
    ++row.attempt;
    row.started_at = x.at;
  }
  row.retry_count += x.retried;
  row.lost_count += x.lost;
  if (!x.outputs.empty())
    if (const auto& text
        = x.outputs.at(static_cast<std::size_t>(key - x.tasks.first));
        !text.empty())
      row.output = text;
  if (!x.error.empty())
    row.error = x.error;
  const bool waits
    = x.to == task_state::pending || x.to == task_state::retrying;
  const bool parent = m_.fanouts.contains(key);
  if (parent && x.to == task_state::pending) {
    row.output.clear();
    row.error.clear();
  }
  set_due(key, row, waits && !parent ? x.until : no_time);
}

namespace {

std::int64_t* settled_counter(run_record& r, task_state s) {
  switch (s) {
  case task_state::succeeded: return &r.succeeded;
  case task_state::failed: return &r.failed;
  case task_state::cancelled: return &r.cancelled;
  default: return nullptr;
  }
}

} // namespace

void applier::recount(const task_row& row, task_key key, task_state to) {
  if (row.parent) {
    auto& f = m_.fanouts.at(row.parent);
    --f.children[row.state];
    ++f.children[to];
    derive(f);
    touched_parents_.insert(f.task);
    return;
  }
  auto& r = m_.runs.at(row.run).record;
  if (auto* count = settled_counter(r, row.state))
    --*count;
  if (auto* count = settled_counter(r, to))
    ++*count;
  if (settled(row.state) || settled(to))
    touched_runs_.insert(row.run);
  if (const auto f = m_.fanouts.find(key); f != m_.fanouts.end()) {
    f->second.state = to;
    touched_parents_.insert(key);
  }
}

/// What a contiguous part of a move's range has in common, once it has moved.
void applier::finish_range(const task_move& x, task_range range) {
  const auto leased = x.to == task_state::running;
  if (leased)
    hold(range, x.until);
  out_.fact.moves.push_back({x.run, x.parent, range, x.from, x.to,
                             x.attempt + (leased ? 1 : 0), x.until});
  for (const auto& e : x.events)
    emit(x.run, range, x.at, e.kind, e.payload);
}

/// Two leases with the same first task become one that covers both: the older
/// may still have tasks that nothing else would find after a crash.
void applier::hold(task_range range, timestamp deadline) {
  auto& lease = m_.leases[range.first];
  lease.tasks = {range.first, std::max(range.count, lease.tasks.count)};
  lease.deadline = std::max(deadline, lease.deadline);
  lease.epoch = m_.epoch;
}

} // namespace conductor::memory
