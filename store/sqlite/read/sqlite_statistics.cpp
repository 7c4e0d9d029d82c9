#include <algorithm>
#include <map>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"

namespace conductor::sqlite {

sqlite_reader::key_range sqlite_reader::keys_of(run_key run) {
  key_range keys;
  if (run == 0)
    return keys;
  keys = {}; // none of a run that is none
  keys.end = 0;
  db_->prepared("SELECT first_task,end_task FROM run_rows WHERE run=?")
    .each(
      [&](statement& row) {
        keys = {row.integer(0), row.integer(1)};
      },
      run);
  return keys;
}

std::vector<task_record>
sqlite_reader::load_tasks(const std::vector<task_key>& keys) {
  std::vector<task_record> found;
  for (auto key : keys)
    if (auto task = load_task(key))
      found.push_back(std::move(*task));
  return found;
}

std::vector<task_record> sqlite_reader::list_stuck(run_key run,
                                                   timestamp started_before,
                                                   std::size_t limit) {
  // Whoever runs holds a lease, and leases are few.
  const auto range = keys_of(run);
  std::vector<task_key> keys;
  db_
    ->prepared(
      "SELECT DISTINCT t.task FROM leases l JOIN task_rows t ON t.task BETWEEN "
      "l.first AND l.first+l.count-1 WHERE t.state=3 AND t.started<? AND "
      "l.first>=? AND l.first<? ORDER BY t.started,t.task LIMIT ?")
    .each([&](statement& row) { keys.push_back(row.integer(0)); },
          started_before, range.first, range.end,
          static_cast<std::int64_t>(limit));
  return load_tasks(keys);
}

std::vector<task_error> sqlite_reader::list_errors(run_key run, task_key after,
                                                   std::size_t limit) {
  const auto range = keys_of(run);
  std::vector<task_error> found;
  db_
    ->prepared("SELECT e.task,t.state,t.updated,e.error FROM errors e CROSS "
               "JOIN task_rows t ON t.task=e.task WHERE e.task>=? AND e.task<? "
               "AND t.state IN(5,6) ORDER BY e.task LIMIT ?")
    .each(
      [&](statement& row) {
        found.push_back({row.integer(0),
                         static_cast<task_state>(row.integer(1)), row.time(2),
                         row.text(3)});
      },
      std::max(range.first, after + 1), range.end,
      static_cast<std::int64_t>(limit));
  return found;
}

std::optional<timestamp> sqlite_reader::last_settled(run_key run) {
  // Backwards along the index on `run`, which ends in seq: soon found.
  std::optional<timestamp> last;
  db_
    ->prepared("SELECT at FROM event_spans WHERE run=? AND (kind IN(?,?,?) OR "
               "kind=? AND instr(payload,'\"retry_at\"')=0) ORDER BY seq DESC "
               "LIMIT 1")
    .each([&](statement& row) { last = row.time(0); }, run,
          event_kind::task_succeeded, event_kind::task_retries_exhausted,
          event_kind::task_cancelled, event_kind::task_failed);
  return last;
}

std::vector<task_record> sqlite_reader::list_slowest(run_key run,
                                                     std::size_t limit) {
  const auto range = keys_of(run);
  std::vector<task_key> keys;
  db_
    ->prepared("SELECT task FROM task_rows WHERE task>=? AND task<? AND "
               "state IN(4,6) AND attempt>0 ORDER BY updated-started DESC,task "
               "LIMIT ?")
    .each([&](statement& row) { keys.push_back(row.integer(0)); }, range.first,
          range.end, static_cast<std::int64_t>(limit));
  return load_tasks(keys);
}

retry_metrics sqlite_reader::measure_retries(run_key run) {
  // Most tasks are done with their first attempt: only others are looked at.
  const auto range = keys_of(run);
  const auto leaves = count_leaves(run);
  retry_metrics m;
  m.exhausted = leaves.failed;
  m.settled = m.attempts = leaves.settled();
  db_
    ->prepared("SELECT count(*)FILTER(WHERE retries>0),count(*)FILTER(WHERE "
               "retries>0 AND state=4),count(*)FILTER(WHERE retries>0 AND "
               "state IN(4,6,7)),total(attempt-1)FILTER(WHERE state IN(4,6,7)) "
               "FROM task_rows t WHERE task>=? AND task<? AND (retries>0 OR "
               "attempt<>1 AND state IN(4,6,7)) AND (parent>0 OR "
               "NOT EXISTS(SELECT 1 FROM fanouts f WHERE f.task=t.task))")
    .each(
      [&](statement& row) {
        m.retried = row.integer(0);
        m.retried_succeeded = row.integer(1);
        m.retried_settled = row.integer(2);
        m.attempts += row.integer(3);
      },
      range.first, range.end);
  return m;
}

std::vector<std::int64_t>
sqlite_reader::count_events(const std::vector<event_kind>& kinds, run_key run,
                            timestamp since) {
  const auto from = since == no_time ? 0 : last_event_before(since);
  const auto query = "SELECT kind,count FROM event_spans WHERE kind IN("
                     + code_list(kinds) + ") AND seq>? AND "
                     + (run != 0 ? "run=?" : "?=0");
  std::vector<std::int64_t> counts(kinds.size());
  db_->prepared(query).each(
    [&](statement& row) {
      for (std::size_t i = 0; i < kinds.size(); ++i)
        if (static_cast<std::int64_t>(kinds[i]) == row.integer(0))
          counts[i] += row.integer(1);
    },
    from, run);
  return counts;
}

event_seq sqlite_reader::last_event_before(timestamp at) {
  // Seq grows with time, so that the place is found by halving.
  event_seq low = 0, high = last_event() + 1;
  auto& probe = db_->prepared(
    "SELECT seq,at FROM event_spans WHERE seq<=? ORDER BY seq DESC LIMIT 1");
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    auto early = true;
    probe.each([&](statement& row) { early = row.time(1) < at; }, middle);
    (early ? low : high) = middle;
  }
  return low;
}

event_seq sqlite_reader::last_event() {
  return db_->number(
    "SELECT seq+count-1 FROM event_spans ORDER BY seq DESC LIMIT 1");
}

std::vector<handler_count> sqlite_reader::count_by_handler() {
  std::map<std::string, state_counts> found;
  db_
    ->prepared("SELECT o.handler,total(f.total),total(f.expanded),"
               "total(f.running),total(f.retrying),total(f.succeeded),"
               "total(f.failed),total(f.cancelled) FROM fanouts f JOIN "
               "origins o ON o.task=f.task GROUP BY o.handler")
    .each([&](statement& row) { found[row.text(0)] += to_counts(row, 1); });
  db_
    ->prepared("SELECT o.handler,t.state,count(*) FROM origins o JOIN "
               "task_rows t ON t.task=o.task LEFT JOIN fanouts f ON "
               "f.task=o.task WHERE f.task IS NULL GROUP BY 1,2")
    .each([&](statement& row) {
      found[row.text(0)][static_cast<task_state>(row.integer(1))]
        += row.integer(2);
    });
  std::vector<handler_count> sorted;
  for (const auto& [handler, tasks] : found)
    sorted.push_back({handler, tasks});
  return sorted;
}

state_counts sqlite_reader::count_runs() {
  state_counts runs;
  db_->prepared("SELECT state,count(*) FROM run_rows GROUP BY state")
    .each([&](statement& row) {
      runs[static_cast<task_state>(row.integer(0))] = row.integer(1);
    });
  return runs;
}

std::optional<timestamp> sqlite_reader::oldest_due(timestamp now) {
  std::optional<timestamp> oldest;
  const auto look = [&](statement& row) {
    if (!row.is_null(0) && (!oldest || row.time(0) < *oldest))
      oldest = row.time(0);
  };
  db_->prepared("SELECT min(at) FROM due WHERE state=2 AND at<=?")
    .each(look, now);
  db_
    ->prepared("SELECT min(t.created) FROM fanouts f JOIN task_rows t ON "
               "t.task=f.base+f.claimed WHERE f.state=2 AND "
               "f.claimed<f.expanded")
    .each(look);
  return oldest;
}

engine_record sqlite_reader::load_engine() {
  engine_record e;
  db_->prepared("SELECT epoch,pid,clean,started_at,commits,report FROM engine")
    .each([&](statement& row) {
      e = {row.integer(0),
           row.integer(1),
           row.integer(2) != 0,
           row.time(3),
           static_cast<std::uint64_t>(row.integer(4)),
           row.text(5)};
    });
  return e;
}

std::vector<event_span> sqlite_reader::list_event_spans(run_key run,
                                                        event_seq after,
                                                        std::size_t limit) {
  // The index on `run` ends in seq, so that each page is one walk along it.
  std::vector<event_span> found;
  db_
    ->prepared("SELECT seq,first,count,kind,at FROM event_spans WHERE run=? "
               "AND seq>? ORDER BY seq LIMIT ?")
    .each(
      [&](statement& row) {
        found.push_back({row.integer(0),
                         run,
                         row.integer(1),
                         row.integer(2),
                         static_cast<event_kind>(row.integer(3)),
                         row.time(4),
                         {}});
      },
      run, after, static_cast<std::int64_t>(limit));
  return found;
}

} // namespace conductor::sqlite
