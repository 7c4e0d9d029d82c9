#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

struct run_row {
  explicit run_row(const statement& row)
    : run(row.integer(0)), state(static_cast<task_state>(row.integer(1))),
      created(row.time(2)), updated(row.time(3)), started(row.time(4)),
      finished(row.time(5)), first_task(row.integer(6)), tasks(row.integer(7)),
      succeeded(row.integer(8)), failed(row.integer(9)),
      cancelled(row.integer(10)), retries(row.integer(11)),
      chain(static_cast<std::uint64_t>(row.integer(12))), name(row.text(13)) {}

  run_key run;
  task_state state;
  timestamp created, updated, started, finished;
  task_key first_task;
  std::int64_t tasks, succeeded, failed, cancelled, retries;
  std::uint64_t chain;
  std::string name;
};

void compare_run(const run_row& r, const run_path& p, findings& out) {
  differences d{"its events make it"};
  d.field("state", r.state, p.state);
  d.field("retries", r.retries, p.retries);
  d.field("created_at", r.created, p.created);
  d.field("updated_at", r.updated, p.updated);
  d.field("started_at", r.started, p.started);
  d.field("finished_at", r.finished, p.finished);
  if (d)
    out.add("I3", out.run(r.run) + ": " + d.text());
  if (p.chain != r.chain)
    out.add("I5", "the hash chain of " + out.run(r.run)
                    + " does not end where the run says");
  differences submitted{"its events say"};
  submitted.field("name", std::string_view{r.name}, std::string_view{p.name});
  submitted.field("tasks", r.tasks, p.tasks);
  if (submitted)
    out.add("I1", out.run(r.run) + ": " + submitted.text());
}

/// I6: the counters of a run equal a recount of its top-level tasks.
void compare_counters(const run_row& r, const block_count& top, findings& out) {
  const auto counted = [&](task_state state) {
    return top.by_state[static_cast<std::size_t>(state)];
  };
  differences d;
  d.field("tasks", r.tasks, top.tasks);
  d.field("succeeded", r.succeeded, counted(task_state::succeeded));
  d.field("failed", r.failed, counted(task_state::failed));
  d.field("cancelled", r.cancelled, counted(task_state::cancelled));
  if (d)
    out.add("I6", "the top-level tasks of " + out.run(r.run) + ": " + d.text());
  if (settled(r.state) && r.succeeded + r.failed + r.cancelled != r.tasks)
    out.add("I6", out.run(r.run) + " has ended, but not all of its tasks have");
}

std::vector<block_row> load_blocks(database& db, run_key run) {
  std::vector<block_row> blocks;
  db.prepared("SELECT first, count, run, parent, template FROM blocks"
              " WHERE run = ? ORDER BY first")
    .each(
      [&](statement& row) {
        block_row b{row.integer(0), row.integer(1), row.integer(2),
                    row.integer(3), row.integer(4)};
        b.count = std::clamp<std::int64_t>(b.count, 0, most_children);
        if (b.first > 0 && b.first <= most_keys)
          blocks.push_back(b);
      },
      run);
  return blocks;
}

/// Tasks that only the events know.
void name_missing_tasks(const run_replay& events,
                        const std::vector<block_row>& blocks, findings& out) {
  events.tasks().each([&](task_range tasks, const task_path& p) {
    const auto after = std::upper_bound(
      blocks.begin(), blocks.end(), tasks.first,
      [](task_key t, const block_row& b) { return t < b.first; });
    const auto held
      = after != blocks.begin() && tasks.end() <= std::prev(after)->end();
    if (p.state != 0 && !held && !out.full())
      out.add("I1", out.task(tasks.first)
                      + " has events, but it is in no block of its run");
  });
}

void check_run(database& db, findings& out, const run_row& r,
               run_replay& events, verdict& found) {
  events.replay();
  found.events += events.events();
  if (events.spans() == 0)
    return out.add("I3", out.run(r.run) + " has no events");
  compare_run(r, events.path(), out);
  const auto blocks = load_blocks(db, r.run);
  block_count top;
  counted_blocks children;
  std::int64_t known = 0;
  for (const auto& block : blocks) {
    const auto counted = check_block(db, out, events, block);
    check_outputs(db, out, events, block);
    known += counted.known;
    found.tasks += counted.tasks;
    if (block.parent != 0)
      children[block.parent] = {block, counted};
    else if (block.first != r.first_task || block.count != r.tasks)
      out.add("I2", out.run(r.run) + ": first_task is "
                      + std::to_string(r.first_task) + " and tasks "
                      + std::to_string(r.tasks) + ", its block has "
                      + std::to_string(block.count) + " from "
                      + std::to_string(block.first) + " on");
    else
      top = counted;
  }
  compare_counters(r, top, out);
  check_parents(db, out, events, r.run, children);
  if (known != events.created())
    name_missing_tasks(events, blocks, out);
}

} // namespace

void check_runs(database& db, findings& out, verdict& found,
                const std::function<void(double)>& progress) {
  const auto all
    = static_cast<double>(db.number("SELECT sum(count) FROM event_spans"));
  std::int64_t spans = 0;
  db.prepared("SELECT run, state, created, updated, started, finished,"
              " first_task, tasks, succeeded, failed, cancelled, retries,"
              " chain, name FROM run_rows")
    .each([&](statement& row) {
      const run_row r{row};
      ++found.runs;
      run_replay events{db, out, r.run};
      check_run(db, out, r, events, found);
      spans += events.spans();
      if (progress && found.runs % 100 == 1)
        progress(std::min(1.0, static_cast<double>(found.events) / all));
    });
  run_replay of_none{db, out, 0};
  of_none.replay();
  found.events += of_none.events();
  spans += of_none.spans();
  if (spans == db.number("SELECT count(*) FROM event_spans"))
    return;
  out.each_text("I1", "SELECT DISTINCT 'the run with key ' || run || ' has"
                      " events, but its row is missing' FROM event_spans WHERE"
                      " run <> 0 AND run NOT IN (SELECT run FROM run_rows UNION"
                      " ALL SELECT run FROM prunings)");
}

} // namespace conductor::sqlite
