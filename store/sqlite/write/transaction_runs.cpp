#include <cassert>

#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>

#include "store/guards.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/statements/sql.hpp"
#include "store/sqlite/write/transaction.hpp"

namespace conductor::sqlite {

std::optional<submitted_run>
transaction::find_submitted(const std::string& key) {
  for (const auto& [run, entry] : runs_)
    if (entry.record.idempotency_key == key)
      return submitted_run{run, entry.record.id, true, entry.first_task};
  std::optional<submitted_run> found;
  db_.prepared(sql::find_key)
    .each(
      [&](statement& row) {
        found
          = submitted_run{row.integer(0), row.text(1), true, row.integer(2)};
      },
      key);
  return found;
}

submitted_run transaction::submit(submission& s) {
  if (!s.idempotency_key.empty())
    if (auto known = find_submitted(s.idempotency_key))
      return *known;
  const auto key = next_.run++;
  auto& run = runs_[key];
  run.fresh = run.touched = true;
  run.record.key = key;
  run.record.id = ids_.text(id_kind::run, s.at, key);
  run.record.name = s.name;
  run.record.meta = s.meta;
  run.record.idempotency_key = s.idempotency_key;
  run.record.created_at = run.record.updated_at = s.at;
  run.record.tasks = std::ssize(s.tasks);
  run.record.retry_budget = s.retry_budget;
  // Foreign keys want the row before its tasks; `finish` updates it.
  run.first_task = next_.task;
  run.end_task = next_.task + run.record.tasks;
  for (const auto& t : s.tasks)
    run.end_task += std::max<std::int64_t>(t.total, 0);
  write_run(run);
  run.fresh = false;
  const auto first = next_.task;
  next_.task += run.record.tasks;
  write_event(key, {0, 1}, s.at,
              {event_kind::run_created,
               dump({{"name", s.name}, {"tasks", run.record.tasks}})});
  for (std::size_t i = 0; i < s.tasks.size(); ++i)
    add_task(run, first + static_cast<std::int64_t>(i), s.tasks[i]);
  const submitted_run answer{key, run.record.id, false, first};
  fact_.runs.push_back(answer);
  return answer;
}

void transaction::add_task(run_entry& run, task_key task, task_submission& t) {
  const auto at = run.record.created_at;
  const auto& spec = t.spec;
  const auto parent = t.total >= 0;
  db_.prepared(sql::insert_origin)
    .run(task, run.record.key, at, spec.retry.max_retries,
         ids_.text(id_kind::task, at, 0).substr(0, 18), spec.name, spec.handler,
         spec.input, parent ? shared_input(spec.input) : std::string{},
         to_stored_text(spec));
  db_.prepared(sql::insert_task).run(task, at);
  json payload{{"name", spec.name}};
  if (parent) {
    payload["children"] = t.total;
    const auto range = spec.fanout.kind == source_kind::range;
    db_.prepared(sql::insert_fanout)
      .run(task, run.record.key, task_state::pending, next_.task, t.total, 0, 0,
           0, 0, 0, 0, 0, range ? spec.fanout.from : 1,
           range ? spec.fanout.step : 1, 0, t.source.size, t.source.mtime_ns,
           t.source.spooled, t.source.path, "");
    next_.task += t.total;
    fanout_of(task);
  } else {
    db_.prepared(sql::insert_due).run(task, at, task_state::pending);
  }
  write_event(run.record.key, {task, 1}, at,
              {event_kind::task_created, dump(payload)});
}

transaction::run_entry& transaction::run_of(run_key run) {
  const auto [place, absent] = runs_.try_emplace(run);
  auto& entry = place->second;
  if (absent && run == 0)
    db_
      .prepared("SELECT hash FROM event_spans WHERE run=0 "
                "ORDER BY seq DESC LIMIT 1")
      .each([&](statement& row) {
        entry.chain = static_cast<std::uint64_t>(row.integer(0));
      });
  if (absent && run != 0) {
    auto found = load_run(db_, run);
    assert(found && "a change names a run that is none");
    entry.record = std::move(*found);
    db_.prepared(sql::load_run_chain)
      .each(
        [&](statement& row) {
          entry.chain = static_cast<std::uint64_t>(row.integer(0));
          entry.first_task = row.integer(1);
          entry.end_task = row.integer(2);
        },
        run);
  }
  return entry;
}

void transaction::move_run(run_move& m) {
  assert(legal_run_move(m.from, m.to) && "a rule planned an illegal move");
  auto& run = run_of(m.run);
  auto& r = run.record;
  if (!may_move(r, m))
    return;
  r.state = m.to;
  r.updated_at = m.at;
  if (m.from == run_state::pending && m.to == run_state::running)
    r.started_at = m.at;
  r.finished_at = settled(m.to) ? m.at : no_time;
  run.touched = true;
  for (auto& event : m.events)
    write_event(m.run, {0, 1}, m.at, event);
}

void transaction::write_run(const run_entry& run) {
  const auto& r = run.record;
  const auto hash = static_cast<std::int64_t>(run.chain);
  if (r.key == 0)
    return; // events of no run
  if (run.fresh)
    db_.prepared(sql::insert_run)
      .run(r.key, r.id, r.state, r.created_at, r.updated_at, r.started_at,
           r.finished_at, r.tasks, r.succeeded, r.failed, r.cancelled,
           r.retries, r.retry_budget.count, r.retry_budget.percent,
           run.first_task, run.end_task, hash, r.name, r.meta,
           r.idempotency_key);
  else
    db_.prepared(sql::update_run)
      .run(r.state, r.updated_at, r.started_at, r.finished_at, r.succeeded,
           r.failed, r.cancelled, r.retries, hash, r.key);
}

} // namespace conductor::sqlite
