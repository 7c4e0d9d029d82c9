#include "store/sqlite/write/transaction.hpp"

#include <cassert>

#include "store/event_hash.hpp"
#include "store/guards.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"

namespace conductor::sqlite {

commit_reply transaction::apply(change_set& changes) {
  commit_reply reply;
  for (auto& s : changes.submissions)
    reply.runs.push_back(submit(s));
  if (reply.runs.size() == 1)
    place(changes, reply.runs.front());
  for (auto& n : changes.leading)
    write_event(n.run, {n.task, 1}, n.at, n.event);
  for (auto& m : changes.run_starts)
    move_run(m);
  for (auto& e : changes.expansions)
    expand(e, reply);
  for (auto& m : changes.moves)
    move_tasks(m, reply);
  for (auto& m : changes.run_moves)
    move_run(m);
  for (auto first : changes.released)
    db_.prepared(sql::delete_lease).run(first);
  for (auto& x : changes.extensions)
    db_.prepared(sql::extend_lease).run(x.deadline, x.tasks.first);
  for (auto& n : changes.notes)
    write_event(n.run, {n.task, 1}, n.at, n.event);
  if (!changes.engine_report.empty())
    db_.prepared(sql::set_engine_report).run(changes.engine_report);
  return reply;
}

void transaction::finish() {
  for (const auto& [key, run] : runs_) {
    write_run(run);
    if (run.touched)
      fact_.progress.push_back(run.record);
  }
  for (auto& [key, fanout] : fanouts_) {
    derive_counts(fanout);
    write_fanout(fanout);
    fact_.parents.push_back(fanout);
  }
  fact_.number = ++next_.commits;
}

// -- expansion --

fanout_record& transaction::fanout_of(task_key parent) {
  const auto [entry, absent] = fanouts_.try_emplace(parent);
  if (absent) {
    auto found = load_fanout(db_, parent);
    assert(found && "a move names a parent that is none");
    entry->second = std::move(*found);
  }
  return entry->second;
}

static bool in_order(const fanout_record& f, const expansion& e) {
  return f.state == task_state::pending && f.broken.empty()
         && f.expanded == e.first - 1 && e.count >= 0
         && f.expanded + e.count <= f.total
         && (e.items.empty() || std::ssize(e.items) == e.count);
}

void transaction::refuse(task_range tasks, std::int32_t attempt,
                         task_state planned, commit_reply& reply) {
  for (auto task = tasks.first; task < tasks.end(); ++task) {
    refusal r{task, attempt, planned, task_state::pending, 0};
    db_.prepared(sql::look_at_tasks)
      .each(
        [&](statement& row) {
          r.state = static_cast<task_state>(row.integer(1));
          r.attempt = row.integer32(2);
        },
        task, task);
    reply.refusals.push_back(r);
  }
}

void transaction::expand(expansion& e, commit_reply& reply) {
  const auto held = fanouts_.find(e.parent);
  const auto found = held != fanouts_.end() ? std::optional{held->second}
                                            : load_fanout(db_, e.parent);
  if (!found || !in_order(*found, e))
    return refuse({e.parent, 1}, 0, task_state::pending, reply);
  auto& f = fanout_of(e.parent);
  const auto first = f.base + e.first - 1;
  for (std::int64_t done = 0; done < e.count; done += max_span) {
    const auto n = std::min(max_span, e.count - done);
    db_.prepared(sql::insert_children).run(first + done, n, e.parent, e.at);
  }
  for (std::size_t i = 0; i < e.items.size(); ++i)
    db_.prepared(sql::insert_item)
      .run(first + static_cast<std::int64_t>(i), e.items[i]);
  f.expanded += e.count;
  f.offset = e.offset;
  if (!e.broken.empty()) {
    f.total = f.expanded;
    f.broken = e.broken;
  }
  if (e.count > 0)
    write_event(e.run, {first, e.count}, e.at,
                {event_kind::task_created, "{}"});
  for (auto& n : e.notes)
    write_event(n.run, {n.task, 1}, n.at, n.event);
}

void transaction::write_fanout(const fanout_record& f) {
  const auto& c = f.children;
  db_.prepared(sql::update_fanout)
    .run(f.state, f.total, f.expanded, f.claimed, c.running, c.retrying,
         c.succeeded, c.failed, c.cancelled, f.offset, f.broken, f.task);
}

// -- moves of tasks -----------------------------------------------------------

int transaction::update_rows(const task_move& m, task_range tasks) {
  const auto last = tasks.end() - 1;
  if (m.to == task_state::running)
    return db_.prepared(sql::claim_tasks)
      .run(m.at, tasks.first, last, m.from, m.attempt);
  return db_.prepared(sql::move_tasks)
    .run(m.to, m.retried, m.lost, m.at, tasks.first, last, m.from, m.attempt);
}

void transaction::move_tasks(task_move& m, commit_reply& reply) {
  assert((legal_leaf_move(m.from, m.to) || legal_parent_move(m.from, m.to))
         && "a rule planned an illegal move");
  advance_cursor(m);
  if (m.tasks.count == 1) {
    if (update_rows(m, m.tasks) == 1)
      moved_range(m, m.tasks);
    else
      move_some(m, reply);
    return;
  }
  // A range moves whole almost always. Where a guard fails within it, the rows
  // that did move are put back and each task is looked at.
  db_.prepared("SAVEPOINT range").run();
  const auto whole = update_rows(m, m.tasks) == m.tasks.count;
  if (!whole)
    db_.prepared("ROLLBACK TO range").run();
  db_.prepared("RELEASE range").run();
  if (whole)
    moved_range(m, m.tasks);
  else
    move_some(m, reply);
}

void transaction::move_some(task_move& m, commit_reply& reply) {
  std::vector<task_range> movable;
  auto next = m.tasks.first;
  db_.prepared(sql::look_at_tasks)
    .each(
      [&](statement& row) {
        const auto task = row.integer(0);
        for (; next < task; ++next)
          reply.refusals.push_back(
            {next, m.attempt, m.to, task_state::pending, 0});
        next = task + 1;
        const auto state = static_cast<task_state>(row.integer(1));
        const auto attempt = row.integer32(2);
        if (state != m.from || attempt != m.attempt)
          reply.refusals.push_back({task, m.attempt, m.to, state, attempt});
        else if (!movable.empty() && movable.back().end() == task)
          ++movable.back().count;
        else
          movable.push_back({task, 1});
      },
      m.tasks.first, m.tasks.end() - 1);
  for (; next < m.tasks.end(); ++next)
    reply.refusals.push_back({next, m.attempt, m.to, task_state::pending, 0});
  for (const auto& tasks : movable) {
    update_rows(m, tasks);
    auto part = m; // its events and texts go with each part
    moved_range(part, tasks);
  }
}

void transaction::moved_range(task_move& m, task_range tasks) {
  count(m, tasks);
  if (m.to == task_state::running)
    db_.prepared(sql::insert_lease)
      .run(tasks.first, tasks.count, m.until, epoch_);
  move_due(m, tasks);
  if (!m.outputs.empty())
    write_outputs(m, tasks);
  if (!m.error.empty())
    for (auto task = tasks.first; task < tasks.end(); ++task)
      db_.prepared(sql::set_error).run(task, m.error);
  for (auto& event : m.events)
    write_event(m.run, tasks, m.at, event);
  const auto attempt = m.attempt + (m.to == task_state::running ? 1 : 0);
  fact_.moves.push_back(
    {m.run, m.parent, tasks, m.from, m.to, attempt, m.until});
}

void transaction::write_outputs(const task_move& m, task_range tasks) {
  assert(std::ssize(m.outputs) == m.tasks.count && "an output for each task");
  auto& set = db_.prepared(sql::set_output);
  for (auto task = tasks.first; task < tasks.end(); ++task)
    if (const auto& text
        = m.outputs[static_cast<std::size_t>(task - m.tasks.first)];
        !text.empty())
      set.run(task, text);
}

/// The cursor passes refused children too: they were claimed already or are
/// settled, and it would wait for them for ever.
void transaction::advance_cursor(const task_move& m) {
  if (m.to != task_state::running || m.parent == 0 || m.attempt != 0)
    return;
  const auto held = fanouts_.find(m.parent);
  const auto f = held != fanouts_.end() ? std::optional{held->second}
                                        : load_fanout(db_, m.parent);
  const auto end = std::min(m.tasks.end() - f->base, f->expanded);
  if (m.tasks.first - f->base == f->claimed && end > f->claimed)
    fanout_of(m.parent).claimed = end;
}

void transaction::move_due(const task_move& m, task_range tasks) {
  const auto waits
    = m.to == task_state::pending || m.to == task_state::retrying;
  const auto waited
    = m.from == task_state::pending || m.from == task_state::retrying;
  if (waited)
    db_.prepared(sql::delete_due).run(tasks.first, tasks.end() - 1);
  if (!waits || m.until == no_time)
    return;
  for (auto task = tasks.first; task < tasks.end(); ++task)
    if (m.parent != 0 || !load_fanout(db_, task))
      db_.prepared(sql::insert_due).run(task, m.until, m.to);
}

void transaction::count(const task_move& m, task_range tasks) {
  const auto n = tasks.count;
  if (m.to == task_state::retrying && !m.lost) {
    auto& run = run_of(m.run);
    run.record.retries += n;
    run.touched = true;
  }
  if (m.parent != 0) {
    auto& children = fanout_of(m.parent).children;
    children[m.from] -= n;
    children[m.to] += n;
    return;
  }
  if (!settled(m.from) && !settled(m.to))
    return;
  for (auto task = tasks.first; task < tasks.end(); ++task)
    if (m.from != task_state::running && load_fanout(db_, task)) {
      fanout_of(task).state = m.to;
      // What a parent says comes from its children, and is to come again.
      if (m.to == task_state::pending) {
        db_.prepared(sql::delete_output).run(task);
        db_.prepared(sql::delete_error).run(task);
      }
    }
  auto& run = run_of(m.run);
  run.touched = true;
  const auto add = [&](task_state s, std::int64_t by) {
    if (s == task_state::succeeded)
      run.record.succeeded += by;
    else if (s == task_state::failed)
      run.record.failed += by;
    else if (s == task_state::cancelled)
      run.record.cancelled += by;
  };
  add(m.from, -n);
  add(m.to, n);
}

// -- events --

void transaction::write_event(run_key run, task_range tasks, timestamp at,
                              const event_entry& event) {
  auto& entry = run_of(run);
  const auto step = tasks.first == 0 ? 1 : max_span;
  for (std::int64_t done = 0; done < tasks.count; done += step) {
    event_span span{next_.seq,
                    run,
                    tasks.first == 0 ? 0 : tasks.first + done,
                    std::min(step, tasks.count - done),
                    event.kind,
                    at,
                    event.payload};
    entry.chain = chain(entry.chain, span);
    db_.prepared(sql::insert_span)
      .run(span.seq, span.run, span.first, span.count, span.kind, span.at,
           span.payload, static_cast<std::int64_t>(entry.chain));
    next_.seq += span.count;
    fact_.events.push_back(std::move(span));
  }
}

} // namespace conductor::sqlite
