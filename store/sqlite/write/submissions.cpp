#include <algorithm>

#include <conductor/definition.hpp>
#include <conductor/event_payload.hpp>

#include "store/event_hash.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"
#include "store/sqlite/write/transaction.hpp"

/// Runs: submissions with their tasks and definitions, moves of runs, and the
/// lists of items that submissions refer to.
namespace conductor::sqlite {

namespace {

constexpr task_range of_run{0, 1};

/// Tasks of a row of `item_blocks`.
constexpr std::size_t items_per_row = 1024;

std::string array_of(std::span<const std::string> items) {
  std::string text{"["};
  for (const auto& item : items) {
    if (text.size() > 1)
      text += ',';
    text += item;
  }
  return text += ']';
}

/// First and last key that items of a list may have.
std::pair<std::int64_t, std::int64_t> keys_of(list_key list) {
  return {list * items_per_list, (list + 1) * items_per_list - 1};
}

} // namespace

// -- submissions --------------------------------------------------------------

std::optional<submitted_run>
transaction::find_submitted(const std::string& key) {
  for (const auto& [run, entry] : runs_)
    if (entry.record.idempotency_key == key)
      return submitted_run{run, entry.record.id, true, entry.record.first_task};
  std::optional<submitted_run> found;
  db_.prepared(sql::find_run_by_key)
    .each(
      [&](statement& row) {
        found
          = submitted_run{row.integer(0), row.text(1), true, row.integer(2)};
      },
      key);
  return found;
}

void transaction::apply_part(const submission& s) {
  auto known = s.idempotency_key.empty() ? std::nullopt
                                         : find_submitted(s.idempotency_key);
  scope_.existed = known.has_value();
  if (known) {
    scope_.reply.runs.push_back(std::move(*known));
    return;
  }
  const auto key = next_.run++;
  auto& run = runs_[key];
  run.fresh = run.touched = true;
  run.last_error = key << 32;
  auto& r = run.record;
  r.key = key;
  r.id = ids_.text(id_kind::run, at_, key);
  r.name = s.name;
  r.meta = s.meta;
  r.idempotency_key = s.idempotency_key;
  r.created_at = r.updated_at = at_;
  r.first_task = next_.task;
  r.tasks = std::ssize(s.tasks);
  r.retry_budget = s.retry_budget;
  r.priority = s.priority;
  r.deadline = s.deadline.from(at_);
  r.deadline_delay = s.deadline.delay;
  if (r.deadline != no_time)
    wait_until(r.deadline);
  scope_.created = {key, r.id, false, r.first_task};
  scope_.reply.runs.push_back(scope_.created);
  fact_.runs.push_back(scope_.created);
  write_event(run, of_run, run_created(s.name, r.tasks));
  add_tasks(run, s);
  if (cache_.all_paused) {
    r.paused = true;
    write_event(run, of_run, run_paused());
  }
}

void transaction::add_tasks(run_entry& run, const submission& s) {
  const auto first = run.record.first_task;
  next_.task += run.record.tasks;
  if (run.record.tasks > 0)
    db_.prepared(sql::insert_block)
      .run(first, run.record.tasks, run.record.key, 0, 0, "");
  segment_row row;
  row.block = first;
  row.tasks.created_at = row.tasks.started_at = row.tasks.updated_at = at_;
  const auto flush = [&](task_key next) {
    row.tasks.tasks.count = next - row.tasks.tasks.first;
    if (row.tasks.tasks.count > 0)
      insert_segment(db_, row);
    row.tasks.tasks = {next, 0};
  };
  row.tasks.tasks.first = first;
  auto task = first;
  for (const auto& t : s.tasks) {
    const auto [definition, handler] = define(t.spec);
    db_.prepared(sql::insert_template).run(task, run.record.key, definition);
    const auto is_leaf = t.total < 0;
    const auto queue = is_leaf ? handler : 0;
    const auto priority = is_leaf ? t.spec.priority : 0;
    const auto due = is_leaf && !add_waiting(first, task, t)
                       ? std::optional{at_}
                       : std::nullopt;
    // Consecutive tasks that have all of this in common share a row.
    if (queue != row.handler || priority != row.priority || due != row.tasks.due
        || task - row.tasks.tasks.first == max_span)
      flush(task);
    row.handler = queue;
    row.priority = priority;
    row.tasks.due = due;
    if (due)
      offer(handler, run.record, {first, priority});
    write_event(run, {task, 1}, task_created(t.spec.name, t.total));
    ++task;
  }
  flush(task);
  task = first;
  for (const auto& t : s.tasks)
    add_parent(run, first, task++, t);
}

void transaction::add_parent(run_entry& run, task_key first, task_key task,
                             const task_submission& t) {
  if (t.total < 0)
    return;
  const auto ready = !add_waiting(first, task, t);
  const auto base = next_.task;
  next_.task += t.total;
  if (t.total > 0)
    db_.prepared(sql::insert_block)
      .run(base, t.total, run.record.key, task, task, t.spec.name + "#");
  const auto is_range = t.spec.fanout.kind == source_kind::range;
  db_.prepared(sql::insert_parent)
    .run(task, run.record.key, base, t.total, t.spec.max_concurrency, t.items,
         is_range ? t.spec.fanout.from : 1, is_range ? t.spec.fanout.step : 1,
         ready, t.spec.priority);
  find_parent(task, true);
}

std::int64_t transaction::find_handler(const std::string& name) {
  const auto known = cache_.handlers.find(name);
  if (known != cache_.handlers.end())
    return known->second;
  std::int64_t handler = 0;
  db_.prepared(sql::find_handler)
    .each([&](statement& row) { handler = row.integer(0); }, name);
  if (handler != 0)
    cache_.handlers[name] = handler;
  return handler;
}

std::int64_t transaction::handler_of(const std::string& name) {
  if (const auto known = find_handler(name); known != 0)
    return known;
  db_.prepared(sql::insert_handler).run(name);
  return cache_.handlers[name] = sqlite3_last_insert_rowid(db_.handle());
}

transaction::definition_ref transaction::define(const task_spec& spec) {
  if (cache_.last_definition != 0 && cache_.last_spec == spec)
    return {cache_.last_definition, cache_.last_handler};
  const auto text = to_stored_text(spec);
  const auto digest = static_cast<std::int64_t>(
    event_hash::mix(event_hash::basis, std::string_view{text}));
  const auto handler = handler_of(spec.handler);
  std::int64_t found = 0;
  db_.prepared(sql::find_definition)
    .each(
      [&](statement& row) {
        if (row.text(1) == text)
          found = row.integer(0);
      },
      digest);
  if (found == 0) {
    db_.prepared(sql::insert_definition)
      .run(digest, handler, spec.retry.max_retries, spec.name, spec.input,
           spec.is_parent() ? shared_input(spec.input) : std::string{}, text);
    found = sqlite3_last_insert_rowid(db_.handle());
  }
  cache_.last_spec = spec;
  cache_.last_definition = found;
  cache_.last_handler = handler;
  return {found, handler};
}

// -- runs ---------------------------------------------------------------------

transaction::run_entry* transaction::find_run(run_key run) {
  if (const auto known = runs_.find(run); known != runs_.end())
    return &known->second;
  run_entry entry;
  if (run != 0) {
    auto found = load_run(db_, run);
    if (!found)
      return nullptr;
    entry.record = std::move(*found);
  }
  const auto take = [&](statement& row) {
    entry.chain = static_cast<std::uint64_t>(row.integer(0));
  };
  if (run == 0)
    db_.prepared(sql::load_chain_of_no_run).each(take);
  else
    db_.prepared(sql::load_chain).each(take, run);
  return &runs_.emplace(run, std::move(entry)).first->second;
}

void transaction::apply_part(const move_run& m) {
  if (names_dropped(m.run))
    return;
  auto* run = find_run(resolve_run(m.run));
  if (!run || run->record.key == 0 || !may_move(run->record, m))
    return refuse(0, 0, static_cast<task_state>(m.to),
                  run ? static_cast<task_state>(run->record.state)
                      : task_state{});
  move(*run, m);
}

void transaction::move(run_entry& run, const move_run& m) {
  begin_pass(run.record.key);
  apply_move(run.record, m, at_);
  run.touched = true;
  if (settled(m.from)) { // what was fenced may be claimed again
    offer_run(run.record);
    fact_.due = true;
  }
  ++scope_.reply.runs_changed;
  if (scope_.pass)
    scope_.passes[run.record.key].runs += settled(m.to) ? 1 : 0;
  for (const auto& event : m.events)
    write_event(run, of_run, event);
}

void transaction::write_run(const run_entry& run) {
  const auto& r = run.record;
  const auto hash = static_cast<std::int64_t>(run.chain);
  if (r.key == 0)
    return; // events of no run
  if (run.fresh)
    db_.prepared(sql::insert_run)
      .run(r.key, r.id, r.state, r.created_at, r.updated_at, r.started_at,
           r.finished_at, r.first_task, r.tasks, r.succeeded, r.failed,
           r.cancelled, r.retries, r.retry_budget.count, r.retry_budget.percent,
           hash, r.skipped, r.priority, r.paused, r.fence, r.deadline,
           r.deadline_delay.count(), r.name, r.meta, r.idempotency_key);
  else
    db_.prepared(sql::update_run)
      .run(r.state, r.updated_at, r.started_at, r.finished_at, r.succeeded,
           r.failed, r.cancelled, r.retries, hash, r.skipped, r.priority,
           r.paused, r.fence, r.deadline, r.deadline_delay.count(), r.key);
}

// -- items --------------------------------------------------------------------

void transaction::apply_part(const append_items& a) {
  const auto list = a.list == 0 ? next_.list : a.list;
  const auto [first, last] = keys_of(list);
  auto end = first;
  if (a.list != 0)
    db_.prepared(sql::end_of_list)
      .each([&](statement& row) { end = row.integer(0); }, first, last);
  if (list < 1 || list > next_.list || (a.list != 0 && list == next_.list)
      || end - first != a.first) {
    scope_.reply.lists.push_back(0);
    return refuse(0);
  }
  if (a.list == 0)
    ++next_.list;
  const std::span items{a.items};
  for (std::size_t done = 0; done < items.size(); done += items_per_row) {
    const auto n = std::min(items_per_row, items.size() - done);
    db_.prepared(sql::insert_items)
      .run(end + static_cast<std::int64_t>(done), static_cast<std::int64_t>(n),
           array_of(items.subspan(done, n)));
  }
  scope_.reply.lists.push_back(list);
}

void transaction::apply_part(const drop_items& d) {
  auto used = false;
  db_.prepared(sql::list_is_used)
    .each([&](statement&) { used = true; }, d.list);
  if (used || d.list <= 0)
    return refuse(0);
  const auto [first, last] = keys_of(d.list);
  db_.prepared(sql::delete_items).run(first, last);
}

} // namespace conductor::sqlite
