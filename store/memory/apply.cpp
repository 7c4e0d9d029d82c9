#include "store/memory/apply.hpp"

#include <algorithm>

#include <conductor/event_payload.hpp>

#include "store/event_hash.hpp"

namespace conductor::memory {

namespace {

/// What events of a run have in place of tasks.
constexpr task_range of_run{0, 1};

task_range range_of(task_key task) {
  return task == 0 ? of_run : task_range{task, 1};
}

} // namespace

bool model::uses(list_key list) const {
  return std::ranges::any_of(
    parents, [list](const auto& p) { return p.second.items == list; });
}

applier::applier(model& m, timestamp now)
  : m_(m), at_(std::max(now, m.latest)) {}

batch_result applier::run(std::span<const change_set> batch) {
  batch_result out;
  const auto before = m_.next_seq;
  for (const auto& changes : batch)
    out.replies.push_back(apply(changes));
  changed_ |= m_.next_seq != before || !fact_.moves.empty()
              || !touched_parents_.empty() || !touched_runs_.empty();
  m_.latest = at_;
  m_.commits += changed_ ? 1 : 0;
  fact_.number = m_.commits;
  fact_.at = at_;
  for (auto key : touched_parents_)
    fact_.parents.push_back(m_.parents.at(key));
  for (auto key : touched_runs_)
    fact_.progress.push_back(m_.runs.at(key));
  out.fact = std::move(fact_);
  return out;
}

commit_reply applier::apply(const change_set& changes) {
  scope_ = {};
  reply_ = {};
  reply_.at = at_;
  for (const auto& part : changes.parts) {
    if (const auto resolved = resolve(part))
      std::visit([this](const auto& x) { apply_part(x); }, *resolved);
    ++scope_.part;
  }
  end_passes();
  return std::move(reply_);
}

// -- names of what is new -----------------------------------------------------

namespace {

/// Puts the keys of what a submission created in their places.
struct placement {
  const submitted_run& created;

  void run(run_key& key) const {
    if (key == new_run)
      key = created.key;
  }
  void task(task_key& key) const {
    if (key < 0)
      key = created.first_task + (new_task(0) - key);
  }
  void operator()(update_run& x) const { run(x.run); }
  void operator()(update_task& x) const {
    run(x.run);
    task(x.task);
  }
  void operator()(append_event& x) const {
    run(x.run);
    task(x.task);
  }
  void operator()(expand_parent& x) const {
    run(x.run);
    task(x.parent);
    for (auto* events : {&x.before, &x.after})
      for (auto& event : *events)
        (*this)(event);
  }
  void operator()(move_tasks& x) const {
    run(x.run);
    task(x.parent);
    task(x.tasks.first);
  }
  void operator()(move_run& x) const { run(x.run); }
  void operator()(auto&) const {} // names nothing that is new
};

bool names_new_run(const change& part) {
  return std::visit(
    [](const auto& x) {
      if constexpr (requires { x.run; })
        return x.run == new_run;
      else
        return false;
    },
    part);
}

} // namespace

std::optional<change> applier::resolve(change part) const {
  if (!scope_.created)
    return part;
  if (scope_.created->existed && names_new_run(part))
    return std::nullopt;
  std::visit(placement{*scope_.created}, part);
  return part;
}

// -- submissions --------------------------------------------------------------

void applier::apply_part(const submission& x) {
  const auto known = std::ranges::find_if(m_.runs, [&](const auto& run) {
    return !x.idempotency_key.empty()
           && run.second.idempotency_key == x.idempotency_key;
  });
  if (known == m_.runs.end())
    return create_run(x);
  const auto& run = known->second;
  scope_.created = {run.key, run.id, true, run.first_task};
  reply_.runs.push_back(*scope_.created);
}

void applier::create_run(const submission& x) {
  const auto key = m_.next_run++;
  auto& run = m_.runs[key];
  run.key = key;
  run.id = m_.ids.text(id_kind::run, at_, key);
  run.name = x.name;
  run.meta = x.meta;
  run.idempotency_key = x.idempotency_key;
  run.created_at = run.updated_at = at_;
  run.first_task = m_.next_task;
  run.tasks = std::ssize(x.tasks);
  run.retry_budget = x.retry_budget;
  run.priority = x.priority;
  run.deadline = x.deadline.from(at_);
  run.deadline_delay = x.deadline.delay;
  if (run.deadline != no_time)
    wait_until(run.deadline);
  scope_.created = {key, run.id, false, run.first_task};
  reply_.runs.push_back(*scope_.created);
  fact_.runs.push_back(*scope_.created);
  touched_runs_.insert(key);
  emit(key, of_run, run_created(x.name, run.tasks));
  for (const auto& task : x.tasks)
    create_top_level(run, task);
  auto task = run.first_task;
  for (const auto& t : x.tasks)
    create_parent(task++, t);
  create_waiting(run, x);
  if (m_.all_paused) {
    run.paused = true;
    emit(key, of_run, run_paused());
  }
}

void applier::create_top_level(const run_record& run,
                               const task_submission& x) {
  const auto key = m_.next_task++;
  auto& row = m_.tasks[key];
  row.run = run.key;
  row.leaf = x.total < 0;
  row.now.tasks = {key, 1};
  row.now.created_at = row.now.updated_at = at_;
  if (row.leaf) {
    row.now.due = at_;
    fact_.due = true;
  }
  auto& origin = m_.templates[key];
  origin = {key, run.key, run.id, at_, 0, x.items, x.spec};
  origin.spec.after.clear();
  origin.spec.when = condition::succeeded;
  emit(run.key, {key, 1}, task_created(x.spec.name, x.total));
}

void applier::create_parent(task_key key, const task_submission& x) {
  if (x.total < 0)
    return;
  auto& p = m_.parents[key];
  p.task = key;
  p.run = m_.tasks.at(key).run;
  p.base = m_.next_task;
  p.total = m_.reserved[key] = x.total;
  p.items = x.items;
  derive_counts(p);
  m_.next_task += x.total;
  m_.templates.at(key).base = p.base;
  touched_parents_.insert(key);
}

// -- lists of items -----------------------------------------------------------

void applier::apply_part(const append_items& x) {
  const auto list = x.list == 0 ? m_.next_list : x.list;
  const auto known = m_.lists.find(list);
  if (known == m_.lists.end() ? x.list != 0 || x.first != 0
                              : x.first != std::ssize(known->second)) {
    reply_.lists.push_back(0);
    return refuse(0, 0, {});
  }
  if (x.list == 0)
    ++m_.next_list;
  auto& items = m_.lists[list];
  changed_ |= !x.items.empty();
  items.insert(items.end(), x.items.begin(), x.items.end());
  reply_.lists.push_back(list);
}

void applier::apply_part(const drop_items& x) {
  if (x.list <= 0 || m_.uses(x.list))
    return refuse(0, 0, {});
  if (const auto known = m_.lists.find(x.list); known != m_.lists.end()) {
    changed_ |= !known->second.empty();
    known->second.clear();
  }
}

// -- expansions ---------------------------------------------------------------

void applier::apply_part(const expand_parent& x) {
  const auto found = m_.parents.find(x.parent);
  if (found == m_.parents.end() || found->second.run != x.run
      || !may_expand(m_.runs.at(x.run), found->second, x))
    return refuse(x.parent, 0, task_state::pending);
  auto& p = found->second;
  for (const auto& note : x.before)
    emit(x.run, range_of(note.task), note.event);
  create_children(p, x);
  apply_expansion(p, x);
  touched_parents_.insert(p.task);
  for (const auto& note : x.after)
    emit(x.run, range_of(note.task), note.event);
}

void applier::create_children(const parent_record& p, const expand_parent& x) {
  if (x.count == 0)
    return;
  const task_range children{p.base + x.first - 1, x.count};
  for (auto key = children.first; key < children.end(); ++key) {
    auto& row = m_.tasks[key];
    row.run = p.run;
    row.parent = p.task;
    row.index = key - p.base + 1;
    row.now.tasks = {key, 1};
    row.now.created_at = row.now.updated_at = at_;
    row.now.due = at_;
  }
  emit(p.run, children, child_created());
  reply_.tasks_changed += x.count;
  fact_.due = true;
}

// -- runs, events, the engine -------------------------------------------------

void applier::apply_part(const move_run& x) {
  const auto found = m_.runs.find(x.run);
  if (found == m_.runs.end() || !may_move(found->second, x)) {
    refuse(0, 0, static_cast<task_state>(x.to));
    if (found != m_.runs.end())
      reply_.refusals.back().state
        = static_cast<task_state>(found->second.state);
    return;
  }
  auto& pass = begin_pass(x.run);
  pass.runs += settled(x.to);
  apply_move(found->second, x, at_);
  if (settled(x.from)) // what was fenced may be claimed again
    fact_.due = true;
  touched_runs_.insert(x.run);
  ++reply_.runs_changed;
  for (const auto& event : x.events)
    emit(x.run, of_run, event);
}

void applier::apply_part(const append_event& x) {
  const auto task = m_.tasks.find(x.task);
  const auto known = x.task == 0
                       ? x.run == 0 || m_.runs.contains(x.run)
                       : task != m_.tasks.end() && task->second.run == x.run;
  if (!known) {
    reply_.refusals.push_back({scope_.part, x.task, 0, {}, {}, 0});
    return;
  }
  emit(x.run, range_of(x.task), x.event);
}

void applier::apply_part(const pass_events& x) {
  scope_.pass = x.of;
  scope_.passes.clear();
}

void applier::apply_part(const engine_report& x) {
  m_.engine_report = x.text;
  changed_ = true;
}

// -- what all parts need ------------------------------------------------------

void applier::refuse(task_key key, std::int32_t attempt, task_state planned) {
  refusal r{scope_.part, key, attempt, planned, task_state{}, 0};
  if (const auto found = m_.tasks.find(key); found != m_.tasks.end()) {
    r.state = found->second.now.state;
    r.attempt = found->second.now.attempt;
  }
  reply_.refusals.push_back(r);
}

applier::pass_counts& applier::begin_pass(run_key run) {
  const auto [counts, fresh] = scope_.passes.try_emplace(run);
  if (fresh && scope_.pass)
    emit(run, of_run,
         *scope_.pass == pass_events::kind::retry ? retry_started()
                                                  : aggregate_started());
  return counts->second;
}

void applier::end_passes() {
  if (scope_.pass)
    for (const auto& [run, n] : scope_.passes)
      emit(run, of_run,
           *scope_.pass == pass_events::kind::retry
             ? retry_finished(n.tasks)
             : aggregate_finished(n.parents, n.runs));
}

void applier::emit(run_key run, task_range tasks, const event_entry& event,
                   timestamp retry_at) {
  for (; tasks.count > longest_span; tasks.first += longest_span) {
    emit(run, {tasks.first, longest_span}, event, retry_at);
    tasks.count -= longest_span;
  }
  event_span span{m_.next_seq,
                  run,
                  tasks.first,
                  tasks.count,
                  event.kind,
                  at_,
                  payload_text(event, retry_at)};
  m_.next_seq += span.count;
  auto& newest = m_.chains[run];
  newest = chain(newest, span);
  m_.events.push_back({span, newest});
  fact_.events.push_back(std::move(span));
}

batch_result apply(model& m, std::span<const change_set> batch, timestamp now) {
  return applier{m, now}.run(batch);
}

} // namespace conductor::memory
