#include "store/memory/apply.hpp"

#include <algorithm>
#include <cassert>

#include "store/event_hash.hpp"
#include "store/guards.hpp"
#include "store/texts.hpp"

namespace conductor::memory {

namespace {

/// What events of a run have in place of tasks.
constexpr task_range of_run{0, 1};

} // namespace

batch_result applier::run(const std::vector<change_set>& batch) {
  out_.fact.number = ++m_.commits;
  for (const auto& x : batch) {
    out_.replies.emplace_back();
    apply(x);
  }
  for (auto key : touched_parents_)
    out_.fact.parents.push_back(m_.fanouts.at(key));
  for (auto key : touched_runs_)
    out_.fact.progress.push_back(m_.runs.at(key).record);
  return std::move(out_);
}

void applier::apply(change_set x) {
  for (const auto& part : x.submissions)
    submit(part);
  if (x.submissions.size() == 1)
    place(x, out_.replies.back().runs.front());
  for (const auto& part : x.leading)
    write(part);
  for (const auto& part : x.run_starts)
    move(part);
  for (const auto& part : x.expansions)
    expand(part);
  for (const auto& part : x.moves)
    move(part);
  for (const auto& part : x.run_moves)
    move(part);
  for (auto first : x.released)
    m_.leases.erase(first);
  for (const auto& part : x.extensions)
    extend(part);
  for (const auto& part : x.notes)
    write(part);
  if (!x.engine_report.empty())
    m_.engine_report = x.engine_report;
}

// -- submissions --------------------------------------------------------------

void applier::submit(const submission& x) {
  const auto known = m_.idempotency_keys.find(x.idempotency_key);
  if (known == m_.idempotency_keys.end())
    return create_run(x);
  const auto& row = m_.runs.at(known->second);
  out_.replies.back().runs.push_back(
    {row.record.key, row.record.id, true, row.first_task});
}

void applier::create_run(const submission& x) {
  const auto key = m_.next_run++;
  const auto first = m_.next_task;
  run_record r;
  r.key = key;
  r.id = m_.ids.text(id_kind::run, x.at, key);
  r.name = x.name;
  r.meta = x.meta;
  r.idempotency_key = x.idempotency_key;
  r.created_at = r.updated_at = x.at;
  r.tasks = static_cast<std::int64_t>(x.tasks.size());
  r.retry_budget = x.retry_budget;
  m_.runs[key] = {r, first};
  if (!x.idempotency_key.empty())
    m_.idempotency_keys[x.idempotency_key] = key;
  emit(key, of_run, x.at, event_kind::run_created, run_created_payload(x));
  for (const auto& task : x.tasks)
    create_top_level(x, task);
  auto task = first;
  for (const auto& t : x.tasks)
    create_fanout(task++, t);
  out_.replies.back().runs.push_back({key, r.id, false, first});
  out_.fact.runs.push_back({key, r.id, false, first});
  touched_runs_.insert(key);
}

void applier::create_top_level(const submission& run,
                               const task_submission& x) {
  assert(x.spec.is_parent() == (x.total >= 0));
  const auto key = m_.next_task++;
  const auto run_key = m_.next_run - 1;
  auto& row = m_.tasks[key];
  row.run = run_key;
  row.created_at = row.updated_at = run.at;
  m_.origins[key]
    = {key, run_key, m_.runs.at(run_key).record.id, run.at, 0, x.spec};
  if (x.total < 0)
    set_due(key, row, run.at);
  emit(run_key, {key, 1}, run.at, event_kind::task_created,
       task_created_payload(x));
}

void applier::create_fanout(task_key parent, const task_submission& x) {
  if (x.total < 0)
    return;
  fanout_record f;
  f.task = parent;
  f.run = m_.next_run - 1;
  f.base = m_.next_task;
  f.total = x.total;
  f.source = x.source;
  f.children.unborn = x.total;
  m_.next_task += x.total;
  m_.fanouts[parent] = f;
  m_.origins.at(parent).base = f.base;
  touched_parents_.insert(parent);
}

// -- expansions ---------------------------------------------------------------

namespace {

bool may_expand(const fanout_record& f, const expansion& x) {
  const auto items = static_cast<std::int64_t>(x.items.size());
  return f.state == task_state::pending && f.expanded == x.first - 1
         && f.broken.empty() && x.count >= 0 && f.expanded + x.count <= f.total
         && (items == 0 || items == x.count);
}

} // namespace

void applier::expand(const expansion& x) {
  const auto found = m_.fanouts.find(x.parent);
  if (found == m_.fanouts.end() || !may_expand(found->second, x))
    return refuse(x.parent, 0, task_state::pending);
  auto& f = found->second;
  create_children(f, x);
  f.expanded += x.count;
  f.offset = x.offset;
  if (!x.broken.empty()) {
    f.broken = x.broken;
    f.total = f.expanded;
  }
  derive(f);
  touched_parents_.insert(f.task);
  for (const auto& n : x.notes)
    write(n);
}

void applier::create_children(fanout_record& f, const expansion& x) {
  for (std::int64_t i = 0; i < x.count; ++i) {
    auto& row = m_.tasks[f.base + x.first - 1 + i];
    row.run = f.run;
    row.parent = f.task;
    row.index = x.first + i;
    row.created_at = row.updated_at = x.at;
    if (!x.items.empty())
      row.item = x.items[static_cast<std::size_t>(i)];
  }
  if (x.count > 0)
    emit(f.run, {f.base + x.first - 1, x.count}, x.at, event_kind::task_created,
         "{}");
}

// -- the rest -----------------------------------------------------------------

void applier::move(const run_move& x) {
  assert(legal_run_move(x.from, x.to));
  const auto found = m_.runs.find(x.run);
  if (found == m_.runs.end() || !may_move(found->second.record, x))
    return;
  auto& r = found->second.record;
  r.state = x.to;
  r.updated_at = x.at;
  if (x.from == run_state::pending && x.to == run_state::running)
    r.started_at = x.at;
  r.finished_at = settled(x.to) ? x.at : no_time;
  touched_runs_.insert(x.run);
  for (const auto& e : x.events)
    emit(x.run, of_run, x.at, e.kind, e.payload);
}

void applier::extend(const lease_extension& x) {
  const auto found = m_.leases.find(x.tasks.first);
  if (found != m_.leases.end())
    found->second.deadline = x.deadline;
}

void applier::write(const note& x) {
  assert(!x.run || m_.runs.contains(x.run));
  assert(!x.task || m_.tasks.at(x.task).run == x.run);
  emit(x.run, {x.task, 1}, x.at, x.event.kind, x.event.payload);
}

void applier::set_due(task_key key, task_row& row, timestamp due) {
  m_.due.erase({row.due_at, key});
  row.due_at = due;
  if (due != no_time)
    m_.due.insert({due, key});
}

void applier::refuse(task_key key, std::int32_t attempt, task_state planned) {
  refusal r;
  r.task = key;
  r.planned_attempt = attempt;
  r.planned = planned;
  if (const auto found = m_.tasks.find(key); found != m_.tasks.end()) {
    r.state = found->second.state;
    r.attempt = found->second.attempt;
  }
  out_.replies.back().refusals.push_back(r);
}

void applier::emit(run_key run, task_range tasks, timestamp at, event_kind kind,
                   const std::string& payload) {
  for (; tasks.count > longest_span; tasks.first += longest_span) {
    emit(run, {tasks.first, longest_span}, at, kind, payload);
    tasks.count -= longest_span;
  }
  event_span span{m_.next_seq, run, tasks.first, tasks.count,
                  kind,        at,  payload};
  m_.next_seq += span.count;
  auto& newest = m_.chains[run];
  newest = chain(newest, span);
  m_.events.push_back({span, newest});
  out_.fact.events.push_back(std::move(span));
}

batch_result apply(model& m, const std::vector<change_set>& batch) {
  return applier{m}.run(batch);
}

} // namespace conductor::memory
