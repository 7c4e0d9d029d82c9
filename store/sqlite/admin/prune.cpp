#include <conductor/admin.hpp>

#include "store/sqlite/admin/pruned_events.hpp"
#include "store/sqlite/connection/engine_lock.hpp"
#include "store/sqlite/connection/opening.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor {

namespace {

using sqlite::database;
using sqlite::statement;

/// Rows that one transaction deletes at most.
constexpr int slice = 1000;
/// Pages that one transaction gives back at most.
constexpr int pages_per_slice = 1000;

/// The connection that prunes: the only one that writes, since it has the lock.
std::unique_ptr<database> open_to_prune(const std::string& path) {
  sqlite::open_for_reading(path); // one of ours, in this program's schema
  auto db = std::make_unique<database>(path, SQLITE_OPEN_READWRITE);
  // Rows go before and after those that they refer to.
  db->execute("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=OFF");
  return db;
}

std::vector<run_key> runs_to_prune(database& db, const prune_request& request) {
  std::vector<run_key> found;
  const auto add = [&](statement& row) { found.push_back(row.integer(0)); };
  if (request.run)
    db.prepared(sqlite::sql::settled_run).each(add, *request.run);
  else
    db.prepared(sqlite::sql::runs_settled_before).each(add, request.before);
  return found;
}

prune_result count_run(database& db, run_key run) {
  prune_result one{.runs = 1};
  db.prepared("SELECT (SELECT tasks FROM run_rows WHERE run = ?1)"
              " + (SELECT total(expanded) FROM parents WHERE run = ?1),"
              " (SELECT total(count) FROM event_spans WHERE run = ?1)")
    .each(
      [&](statement& row) {
        one.tasks = row.integer(0);
        one.events = row.integer(1);
      },
      run);
  return one;
}

/// Replaces a run by a record of it. From here on nobody sees the run.
void record_pruning(database& db, run_key run, const prune_result& size,
                    timestamp now) {
  sqlite::pruning_record p{
    .run = run, .tasks = size.tasks, .events = size.events, .at = now};
  db.prepared(
      "SELECT r.id, r.name, r.state, (SELECT min(seq) FROM event_spans"
      " WHERE run = ?1), (SELECT max(seq + count - 1) FROM event_spans"
      " WHERE run = ?1), coalesce((SELECT max(first + count) FROM blocks"
      " WHERE run = ?1), r.first_task) FROM run_rows r WHERE r.run = ?1")
    .each(
      [&](statement& row) {
        p.id = row.text(0);
        p.name = row.text(1);
        p.state = row.integer(2);
        p.first_seq = row.integer(3);
        p.last_seq = row.integer(4);
        p.end_task = row.integer(5);
      },
      run);
  db.execute("PRAGMA synchronous=FULL; BEGIN IMMEDIATE");
  db.prepared("INSERT INTO prunings(run, id, name, state, tasks, events,"
              " first_seq, last_seq, end_task, chain, at) VALUES"
              " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    .run(run, p.id, p.name, p.state, p.tasks, p.events, p.first_seq, p.last_seq,
         p.end_task, seal_of_pruning(p), p.at);
  db.prepared("DELETE FROM run_rows WHERE run = ?").run(run);
  db.execute("COMMIT");
  // What a power cut takes of the deletions that follow is deleted again.
  db.execute("PRAGMA synchronous=NORMAL");
}

/// Deletes what a condition selects, slice by slice.
template <class... Args>
void delete_rows(database& db, const std::string& table, const char* key,
                 const char* where, const Args&... args) {
  const auto sql = "DELETE FROM " + table + " WHERE " + key + " IN (SELECT "
                   + key + " FROM " + table + " WHERE " + where + " LIMIT "
                   + std::to_string(slice) + ")";
  while (db.prepared(sql).run(args...) == slice)
    ;
}

void delete_lists(database& db, run_key run) {
  std::vector<list_key> lists;
  db.prepared("SELECT DISTINCT items FROM parents WHERE run = ?1 AND items > 0"
              " AND items NOT IN (SELECT items FROM parents WHERE run <> ?1)")
    .each([&](statement& row) { lists.push_back(row.integer(0)); }, run);
  for (const auto list : lists)
    delete_rows(db, "item_blocks", "item", "item >= ? AND item < ?",
                list * items_per_list, (list + 1) * items_per_list);
}

/// Deletes all rows of a run that a record stands for; blocks and the events,
/// by which the rest is found, last.
void delete_rows_of(database& db, run_key run) {
  std::vector<task_range> blocks;
  db.prepared("SELECT first, count FROM blocks WHERE run = ?")
    .each(
      [&](statement& row) {
        blocks.push_back({row.integer(0), row.integer(1)});
      },
      run);
  for (const auto& b : blocks) {
    delete_rows(db, "outputs", "task", "task >= ? AND task < ?", b.first,
                b.end());
    delete_rows(db, "dependencies", "task", "task >= ? AND task < ?", b.first,
                b.end());
    delete_rows(db, "waiting", "task", "task >= ? AND task < ?", b.first,
                b.end());
    delete_rows(db, "segments", "first", "first >= ? AND first < ?", b.first,
                b.end());
    delete_rows(db, "templates", "task", "task >= ? AND task < ?", b.first,
                b.end());
  }
  delete_rows(db, "errors", "error", "error >= ? AND error < ?", run << 32,
              (run + 1) << 32);
  delete_lists(db, run);
  delete_rows(db, "parents", "task", "run = ?", run);
  delete_rows(db, "blocks", "first", "run = ?", run);
  delete_rows(db, "event_spans", "seq", "run = ?", run);
}

/// What a killed program has left.
void finish_earlier_prunings(database& db) {
  std::vector<run_key> runs;
  db.prepared("SELECT p.run FROM prunings p WHERE EXISTS (SELECT 1 FROM"
              " event_spans e WHERE e.run = p.run)")
    .each([&](statement& row) { runs.push_back(row.integer(0)); });
  for (const auto run : runs)
    delete_rows_of(db, run);
}

void give_space_back(database& db) {
  for (auto free = db.number("PRAGMA freelist_count"); free > 0;) {
    db.execute("PRAGMA incremental_vacuum(" + std::to_string(pages_per_slice)
               + ")");
    const auto left = db.number("PRAGMA freelist_count");
    if (left >= free)
      break; // a file that was not made to shrink
    free = left;
  }
  sqlite3_wal_checkpoint_v2(db.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                            nullptr, nullptr);
}

prune_result prune(database& db, const prune_request& request,
                   const std::function<void(const prune_result&)>& progress) {
  prune_result all;
  if (!request.dry_run)
    finish_earlier_prunings(db);
  for (const auto run : runs_to_prune(db, request)) {
    const auto one = count_run(db, run);
    if (!request.dry_run) {
      record_pruning(db, run, one, request.now);
      delete_rows_of(db, run);
    }
    all.runs += one.runs;
    all.tasks += one.tasks;
    all.events += one.events;
    if (progress)
      progress(all);
  }
  if (request.dry_run || all.runs == 0)
    return all;
  delete_rows(db, "definitions", "definition",
              "definition NOT IN (SELECT definition FROM templates)");
  if (request.shrink)
    give_space_back(db);
  return all;
}

} // namespace

result<prune_result>
prune_database(const std::string& given, const prune_request& request,
               const std::function<void(const prune_result&)>& progress) {
  try {
    const auto path = sqlite::resolve_links(given);
    std::optional<sqlite::engine_lock> lock;
    if (!request.dry_run) {
      sqlite::look_before(path);
      auto acquired = sqlite::engine_lock::acquire(path, false);
      if (!acquired)
        return tl::unexpected(acquired.error());
      lock.emplace(std::move(*acquired));
    }
    const auto db
      = request.dry_run ? sqlite::open_for_reading(path) : open_to_prune(path);
    const auto pruned = prune(*db, request, progress);
    if (request.run && pruned.runs == 0)
      return fail(errc::conflict, "the run has not ended; only what has ended "
                                  "can be deleted");
    return pruned;
  } catch (const store_error& failed) {
    return tl::unexpected(failed.why());
  }
}

} // namespace conductor
