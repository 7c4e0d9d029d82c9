#include "store/sqlite/sqlite_reader.hpp"

namespace conductor::sqlite {

sqlite_reader::key_range sqlite_reader::keys_of(run_key run) {
  key_range keys;
  if (run == 0)
    return keys;
  keys = {}; // none of a run that is none
  keys.end = 0;
  db_->prepared("SELECT first_task,end_task FROM run_rows WHERE run=?")
      .each([&](statement& row) { keys = {row.integer(0), row.integer(1)}; },
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

std::vector<task_record> sqlite_reader::list_stuck(timestamp started_before,
                                                   std::size_t limit) {
  // Whoever runs holds a lease, and leases are few.
  std::vector<task_key> keys;
  db_->prepared("SELECT DISTINCT t.task FROM leases l JOIN task_rows t ON t.task BETWEEN "
                "l.first AND l.first+l.count-1 WHERE t.state=3 AND t.started<? "
                "ORDER BY t.started,t.task LIMIT ?")
    .each([&](statement& row) { keys.push_back(row.integer(0)); },
          started_before, static_cast<std::int64_t>(limit));
  return load_tasks(keys);
}

std::vector<task_record> sqlite_reader::list_slowest(run_key run,
                                                     std::size_t limit) {
  const auto range = keys_of(run);
  std::vector<task_key> keys;
  db_->prepared("SELECT task FROM task_rows WHERE task>=? AND task<? AND "
                "state IN(4,6) AND attempt>0 ORDER BY updated-started DESC,task "
                "LIMIT ?")
    .each([&](statement& row) { keys.push_back(row.integer(0)); }, range.first,
          range.end, static_cast<std::int64_t>(limit));
  return load_tasks(keys);
}

retry_metrics sqlite_reader::measure_retries(run_key run) {
  const auto range = keys_of(run);
  retry_metrics m;
  db_->prepared(
       "SELECT total(retries>0),total(retries>0 AND state=4),"
       "total(retries>0 AND state IN(4,6,7)),total(state=6),"
       "total(iif(state IN(4,6,7),attempt,0)),total(state IN(4,6,7)) "
       "FROM task_rows t WHERE task>=? AND task<? AND (parent>0 OR "
       "NOT EXISTS(SELECT 1 FROM fanouts f WHERE f.task=t.task))")
    .each(
      [&](statement& row) {
        m = {row.integer(0), row.integer(1), row.integer(2),
             row.integer(3), row.integer(4), row.integer(5)};
      },
      range.first, range.end);
  return m;
}

std::int64_t sqlite_reader::count_events(event_kind kind, run_key run,
                                         timestamp since) {
  // Seq grows with time: what is recent is at the end.
  std::int64_t from = 0, count = 0;
  if (since != no_time)
    db_->prepared("SELECT seq FROM event_spans WHERE at<? ORDER BY seq DESC "
                  "LIMIT 1")
      .each([&](statement& row) { from = row.integer(0); }, since);
  const auto* query
    = run != 0 ? "SELECT total(count) FROM event_spans WHERE kind=? AND seq>? "
                 "AND run=?"
               : "SELECT total(count) FROM event_spans WHERE kind=? AND seq>? "
                 "AND ?=0";
  db_->prepared(query).each([&](statement& row) { count = row.integer(0); },
                            kind, from, run);
  return count;
}

} // namespace conductor::sqlite
