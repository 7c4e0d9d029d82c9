#include "store/sqlite/write/transaction.hpp"

#include <algorithm>

#include <conductor/event_payload.hpp>

#include "store/event_hash.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"

namespace conductor::sqlite {

namespace {

/// Rows remembered of blocks and parents; more than a busy engine works on.
constexpr std::size_t most_remembered = 4096;

/// What events of a run have in place of tasks.
constexpr task_range of_run{0, 1};

} // namespace

transaction::transaction(database& db, const id_space& ids, writer_cache& cache,
                         const counters& from, std::int64_t epoch,
                         timestamp now)
  : db_(db), ids_(ids), cache_(cache), next_(from), epoch_(epoch),
    at_(std::max(now, from.latest)) {
  next_.latest = at_;
  fact_.at = at_;
}

commit_reply transaction::apply(const change_set& changes) {
  scope_ = {};
  scope_.reply.at = at_;
  for (const auto& part : changes.parts) {
    std::visit([this](const auto& p) { apply_part(p); }, part);
    ++scope_.part;
  }
  end_passes();
  return std::move(scope_.reply);
}

void transaction::finish() {
  for (const auto& [key, run] : runs_) {
    if (run.fresh || run.touched || run.has_events)
      write_run(run);
    if (run.touched)
      fact_.progress.push_back(run.record);
  }
  for (const auto& [key, parent] : parents_)
    if (parent.touched) {
      write_parent(parent.record);
      fact_.parents.push_back(parent.record);
    }
}

committed transaction::take_fact(bool changed) {
  next_.commits += changed ? 1 : 0;
  fact_.number = next_.commits;
  return std::move(fact_);
}

// -- names of what is new, refusals -------------------------------------------

bool transaction::names_dropped(run_key run) const {
  return run == new_run && scope_.existed;
}

run_key transaction::resolve_run(run_key run) const {
  return run == new_run && scope_.created.key != 0 ? scope_.created.key : run;
}

task_key transaction::resolve_task(task_key task) const {
  return task < 0 && scope_.created.key != 0
           ? scope_.created.first_task + (new_task(0) - task)
           : task;
}

void transaction::refuse(task_key task, std::int32_t attempt,
                         task_state planned, task_state state,
                         std::int32_t now) {
  scope_.reply.refusals.push_back(
    {scope_.part, task, attempt, planned, state, now});
}

/// A refusal of a part that named one task, with how the task stands.
void transaction::refuse_as_it_stands(task_key task, task_state planned) {
  const auto rows = touched_segments(db_, {task, 1});
  if (rows.empty())
    return refuse(task, 0, planned);
  refuse(task, 0, planned, rows.front().tasks.state,
         rows.front().tasks.attempt);
}

// -- parents and their children -----------------------------------------------

parent_record* transaction::find_parent(task_key parent, bool touch) {
  auto known = parents_.find(parent);
  if (known == parents_.end()) {
    auto found = load_parent(db_, parent);
    if (!found)
      return nullptr;
    known = parents_.emplace(parent, parent_entry{std::move(*found)}).first;
  }
  known->second.touched |= touch;
  return &known->second.record;
}

const parent_bound& transaction::bound_of(task_key parent) {
  if (cache_.bounds.size() >= most_remembered)
    cache_.bounds.clear();
  const auto known = cache_.bounds.find(parent);
  if (known != cache_.bounds.end())
    return known->second;
  auto& bound = cache_.bounds[parent];
  db_.prepared(sql::load_bound)
    .each(
      [&](statement& row) {
        bound = {row.integer(0), row.integer(1), row.integer32(2)};
      },
      parent);
  return bound;
}

void transaction::apply_part(const expand_parent& e) {
  if (names_dropped(e.run))
    return;
  const auto key = resolve_task(e.parent);
  auto* run = find_run(resolve_run(e.run));
  auto* parent = find_parent(key);
  if (!run || !parent || parent->run != run->record.key
      || !may_expand(run->record, *parent, e))
    return refuse_as_it_stands(key, task_state::pending);
  find_parent(key, true);
  const auto write = [&](const append_event& note) {
    const auto task = resolve_task(note.task);
    write_event(*run, task == 0 ? of_run : task_range{task, 1}, note.event);
  };
  for (const auto& note : e.before)
    write(note);
  const task_range children{parent->base + e.first - 1, e.count};
  apply_expansion(*parent, e);
  if (e.count > 0) {
    create_children(run->record, *parent, children);
    write_event(*run, children, child_created());
    scope_.reply.tasks_changed += e.count;
  }
  for (const auto& note : e.after)
    write(note);
}

void transaction::create_children(const run_record& run,
                                  const parent_record& parent,
                                  task_range tasks) {
  const auto& bound = bound_of(parent.task);
  segment_row row;
  row.block = parent.base;
  row.handler = bound.handler;
  row.priority = bound.priority;
  row.tasks.due = row.tasks.created_at = at_;
  row.tasks.started_at = row.tasks.updated_at = at_;
  for (; tasks.count > 0; tasks.first += max_span, tasks.count -= max_span) {
    row.tasks.tasks = {tasks.first, std::min(max_span, tasks.count)};
    insert_segment(db_, row);
  }
  offer(bound.handler, run, {parent.base, bound.priority});
}

/// A parent's row follows its task.
void transaction::move_parent(const run_entry& run, task_key task,
                              task_state to) {
  auto* parent = find_parent(task, true);
  if (!parent)
    return;
  parent->state = to;
  derive_counts(*parent);
  if (to != task_state::pending)
    return;
  db_.prepared(sql::delete_output).run(task); // it is aggregated once more
  auto reserved = parent->total;
  db_.prepared(sql::reserved_keys)
    .each([&](statement& row) { reserved = row.integer(0); }, task);
  reopen(*parent, reserved);
  const auto& bound = bound_of(task); // what is PENDING below may be leased
  offer(bound.handler, run.record, {parent->base, bound.priority});
}

void transaction::write_parent(const parent_record& p) {
  const auto& c = p.children;
  db_.prepared(sql::update_parent)
    .run(p.state, p.total, p.expanded, c.running, c.retrying, c.succeeded,
         c.failed, c.cancelled, p.expansion_error, p.ready, p.fence, p.task);
}

// -- moves of tasks -----------------------------------------------------------

const block_row* transaction::block_of(task_key block) {
  if (const auto known = cache_.blocks.find(block);
      known != cache_.blocks.end())
    return &known->second;
  std::optional<block_row> found;
  db_.prepared(sql::load_block)
    .each(
      [&](statement& row) {
        found = {row.integer(0), row.integer(1)};
      },
      block);
  if (!found)
    return nullptr;
  if (cache_.blocks.size() >= most_remembered)
    cache_.blocks.clear();
  return &cache_.blocks.emplace(block, *found).first->second;
}

std::int64_t transaction::error_key(run_entry& run, const std::string& error) {
  const auto [known, absent] = run.errors.try_emplace(error);
  if (!absent)
    return known->second;
  const auto base = run.record.key << 32;
  if (run.last_error < 0)
    db_.prepared(sql::last_error_of_run)
      .each([&](statement& row) { run.last_error = row.integer(0); }, base,
            base + (std::int64_t{1} << 32) - 1);
  run.last_error = std::max(run.last_error, base) + 1;
  db_.prepared(sql::insert_error).run(run.last_error, error);
  return known->second = run.last_error;
}

namespace {

/// A move with its keys resolved and without its texts, which may be large.
move_tasks head_of(const move_tasks& m) {
  move_tasks head;
  head.from = m.from;
  head.attempt = m.attempt;
  head.to = m.to;
  head.delay = m.delay;
  head.ran = m.ran;
  head.retried = m.retried;
  head.lost = m.lost;
  head.budgeted = m.budgeted;
  head.fenced = m.fenced;
  return head;
}

void join(std::vector<task_range>& ranges, task_range next) {
  if (!ranges.empty() && ranges.back().end() == next.first)
    ranges.back().count += next.count;
  else
    ranges.push_back(next);
}

} // namespace

void transaction::apply_part(const move_tasks& m) {
  if (names_dropped(m.run))
    return;
  auto head = head_of(m);
  head.run = resolve_run(m.run);
  head.parent = resolve_task(m.parent);
  head.tasks = {resolve_task(m.tasks.first), m.tasks.count};
  auto* run = find_run(head.run);
  if (!run || head.run == 0)
    return refuse(head.tasks.first, m.attempt, m.to);
  const auto first_refusal = scope_.reply.refusals.size();
  const auto ranges = move_rows(head, m, *run);
  if (m.report_late)
    report_late(*run, head.parent, first_refusal);
  if (head.parent != 0)
    return;
  for (const auto& tasks : ranges)
    if (settled(m.from))
      wait_again(*run, tasks);
    else if (settled(m.to))
      settle_dependents(*run, tasks);
}

/// Moves what meets the guard of `head`, whose texts are those of `m`; returns
/// the contiguous ranges that moved.
std::vector<task_range> transaction::move_rows(const move_tasks& head,
                                               const move_tasks& m,
                                               run_entry& run) {
  auto split = split_rows(head, m.error, run);
  for (const auto task : split.parents)
    move_parent(run, task, m.to);
  for (const auto& tasks : split.moved)
    moved(head, m, tasks, run);
  return std::move(split.moved);
}

transaction::row_split transaction::split_rows(const move_tasks& m,
                                               const std::string& error,
                                               run_entry& run) {
  row_split out;
  std::vector<segment_row> pieces;
  const auto rows = touched_segments(db_, m.tasks);
  const auto* parent = m.parent != 0 ? find_parent(m.parent) : nullptr;
  const auto admitted = may_move_tasks(run.record, parent, m);
  auto next = m.tasks.first;
  const auto refuse_gap = [&](task_key end) {
    for (; next < end; ++next)
      refuse(next, m.attempt, m.to);
  };
  for (const auto& row : rows) {
    refuse_gap(std::max(next, row.tasks.tasks.first));
    split_row(m, row, admitted, error, run, pieces, out);
    next = std::min(row.tasks.tasks.end(), m.tasks.end());
  }
  refuse_gap(m.tasks.end());
  if (out.moved.empty())
    return out;
  if (pieces.size() == 1)
    update_segment(db_, pieces.front());
  else
    replace_segments(db_, rows.front().tasks.tasks.first,
                     rows.back().tasks.tasks.first, pieces);
  return out;
}

void transaction::split_row(const move_tasks& m, const segment_row& row,
                            bool admitted, const std::string& error,
                            run_entry& run, std::vector<segment_row>& pieces,
                            row_split& out) {
  const auto* block = block_of(row.block);
  auto part = m;
  part.tasks = cut(row.tasks, m.tasks)->tasks;
  if (!block || block->run != m.run || block->parent != m.parent) {
    pieces.push_back(row);
    for (auto task = part.tasks.first; task < part.tasks.end(); ++task)
      refuse(task, m.attempt, m.to); // there is no such task in that run
    return;
  }
  if (!admitted) {
    pieces.push_back(row);
    for (auto task = part.tasks.first; task < part.tasks.end(); ++task)
      refuse(task, m.attempt, m.to, row.tasks.state, row.tasks.attempt);
    return;
  }
  auto split = split_segments({row.tasks}, part, at_, epoch_, row.leaf());
  for (auto& r : split.refusals) {
    r.part = scope_.part;
    scope_.reply.refusals.push_back(r);
  }
  for (auto& piece : split.pieces) {
    auto copy = row;
    copy.tasks = piece;
    const auto is_moved
      = !split.moved.empty() && split.moved.front().contains(piece.tasks.first);
    if (is_moved && !error.empty())
      copy.error = error_key(run, error);
    if (is_moved && !row.leaf() && m.to == task_state::pending)
      copy.error = 0; // aggregation decides again
    pieces.push_back(copy);
  }
  for (const auto& tasks : split.moved) {
    join(out.moved, tasks);
    if (!row.leaf())
      for (auto task = tasks.first; task < tasks.end(); ++task)
        out.parents.push_back(task);
    else if (m.to == task_state::pending) {
      offer(row.handler, run.record, {row.block, row.priority});
    }
  }
}

/// What a contiguous range has in common, once its rows have moved.
void transaction::moved(const move_tasks& m, const move_tasks& texts,
                        task_range tasks, run_entry& run) {
  begin_pass(m.run);
  if (scope_.pass) {
    auto& pass = scope_.passes[m.run];
    pass.tasks += tasks.count;
    pass.parents += m.parent == 0 ? tasks.count : 0;
  }
  scope_.reply.tasks_changed += tasks.count;
  count_moved(m, tasks.count, run);
  if (!texts.outputs.empty())
    write_outputs(texts, tasks.first - m.tasks.first, tasks);
  const auto waits
    = m.to == task_state::pending || m.to == task_state::retrying;
  const auto due = waits ? at_ + m.delay : no_time;
  for (const auto& event : texts.events)
    write_event(run, tasks, event, at_ + m.delay);
  const auto attempt = m.attempt + (m.to == task_state::running ? 1 : 0);
  fact_.moves.push_back({m.run, m.parent, tasks, m.from, m.to, attempt, due});
}

void transaction::count_moved(const move_tasks& m, std::int64_t tasks,
                              run_entry& run) {
  if (m.budgeted) {
    run.record.retries += tasks;
    run.touched = true;
  }
  if (m.parent == 0) {
    run.touched |= count_top_level(run.record, m.from, m.to, tasks);
    return;
  }
  if (auto* parent = find_parent(m.parent, true))
    count_children(*parent, m.from, m.to, tasks);
  if (m.from == task_state::running && bound_of(m.parent).max_concurrency > 0)
    fact_.due = true;
}

void transaction::write_outputs(const move_tasks& texts, std::int64_t skip,
                                task_range tasks) {
  auto& set = db_.prepared(sql::set_output);
  for (std::int64_t i = 0; i < tasks.count; ++i) {
    const auto place = static_cast<std::size_t>(skip + i);
    if (place < texts.outputs.size() && !texts.outputs[place].empty())
      set.run(tasks.first + i, texts.outputs[place]);
  }
}

void transaction::report_late(run_entry& run, task_key parent,
                              std::size_t first_refusal) {
  const auto by
    = fence_of(run.record, parent != 0 ? find_parent(parent) : nullptr);
  const auto& refusals = scope_.reply.refusals;
  for (auto i = first_refusal; i < refusals.size(); ++i)
    if (const auto why = late_reason(refusals[i], by))
      write_event(run, {refusals[i].task, 1},
                  task_late_result(refusals[i].planned_attempt, *why));
}

// -- passes and events --------------------------------------------------------

void transaction::apply_part(const pass_events& p) {
  scope_.pass = p.of;
}

void transaction::begin_pass(run_key run) {
  if (!scope_.pass || scope_.passes.count(run) != 0)
    return;
  scope_.passes[run];
  write_event(*find_run(run), of_run,
              *scope_.pass == pass_events::kind::retry ? retry_started()
                                                       : aggregate_started());
}

void transaction::end_passes() {
  if (!scope_.pass)
    return;
  for (const auto& [run, counts] : scope_.passes)
    write_event(*find_run(run), of_run,
                *scope_.pass == pass_events::kind::retry
                  ? retry_finished(counts.tasks)
                  : aggregate_finished(counts.parents, counts.runs));
}

void transaction::apply_part(const append_event& e) {
  if (names_dropped(e.run))
    return;
  const auto task = resolve_task(e.task);
  auto* run = find_run(resolve_run(e.run));
  if (!run)
    return refuse(task);
  if (task != 0) {
    const auto rows = touched_segments(db_, {task, 1});
    const auto* block = rows.empty() ? nullptr : block_of(rows.front().block);
    if (!block || block->run != run->record.key)
      return refuse(task);
  }
  write_event(*run, task == 0 ? of_run : task_range{task, 1}, e.event);
}

void transaction::write_event(run_entry& run, task_range tasks,
                              const event_entry& event, timestamp retry_at) {
  const auto step = tasks.first == 0 ? 1 : max_span;
  const auto payload = payload_text(event, retry_at);
  for (std::int64_t done = 0; done < tasks.count; done += step) {
    event_span span{next_.seq,
                    run.record.key,
                    tasks.first == 0 ? 0 : tasks.first + done,
                    std::min(step, tasks.count - done),
                    event.kind,
                    at_,
                    payload};
    run.chain = chain(run.chain, span);
    run.has_events = true;
    db_.prepared(sql::insert_span)
      .run(span.seq, span.run, span.first, span.count, span.kind, span.at,
           span.payload, static_cast<std::int64_t>(run.chain));
    next_.seq += span.count;
    fact_.events.push_back(std::move(span));
  }
}

void transaction::apply_part(const engine_report& r) {
  db_.prepared(sql::set_engine_report).run(r.text);
}

} // namespace conductor::sqlite
