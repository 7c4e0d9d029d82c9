#include "store/sqlite/read/sqlite_reader.hpp"

#include <conductor/definition.hpp>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/statements/sql.hpp"

namespace conductor::sqlite {

namespace {

// Selects the columns of a task_brief from `t` and its origin `o`.
constexpr std::string_view brief
  = "SELECT t.task,o.run,t.parent,t.attempt,t.retries,t.lost FROM ";
constexpr std::string_view with_origin
  = " JOIN origins o ON o.task=CASE t.parent WHEN 0 THEN t.task ELSE t.parent "
    "END ";

task_brief to_brief(const statement& row) {
  return {row.integer(0),   row.integer(1),   row.integer(2),
          row.integer32(3), row.integer32(4), row.integer32(5)};
}

std::int64_t as_limit(std::size_t limit) {
  return static_cast<std::int64_t>(limit);
}

/// Texts of a table keyed by task, one for each task of the range.
std::vector<std::string> texts(statement& query, task_range tasks) {
  std::vector<std::string> found(static_cast<std::size_t>(tasks.count));
  query.each(
    [&](statement& row) {
      found[static_cast<std::size_t>(row.integer(0) - tasks.first)]
        = row.text(1);
    },
    tasks.first, tasks.end() - 1);
  return found;
}

} // namespace

sqlite_reader::sqlite_reader(std::unique_ptr<database> db)
  : db_(std::move(db)), ids_(load_ids(*db_)) {}

std::optional<run_record> sqlite_reader::load_run(run_key run) {
  return sqlite::load_run(*db_, run);
}

std::optional<run_key>
sqlite_reader::find_run_by_idempotency_key(const std::string& idempotency_key) {
  std::optional<run_key> found;
  db_->prepared(sql::find_key)
    .each([&](statement& row) { found = row.integer(0); }, idempotency_key);
  return found;
}

std::vector<run_record> sqlite_reader::load_open_runs(run_key after,
                                                      std::size_t limit) {
  static const auto query = "SELECT " + std::string{sql::run_columns}
                            + " FROM run_rows WHERE state<4 AND run>? "
                              "ORDER BY run LIMIT ?";
  std::vector<run_record> found;
  db_->prepared(query).each(
    [&](statement& row) { found.push_back(to_run(row)); }, after,
    as_limit(limit));
  return found;
}

std::optional<fanout_record> sqlite_reader::load_fanout(task_key parent) {
  return sqlite::load_fanout(*db_, parent);
}

std::vector<fanout_record> sqlite_reader::load_open_fanouts(task_key after,
                                                            std::size_t limit) {
  static const auto query = "SELECT " + std::string{sql::fanout_columns}
                            + " FROM fanouts WHERE state=2 AND task>? "
                              "ORDER BY task LIMIT ?";
  std::vector<fanout_record> found;
  db_->prepared(query).each(
    [&](statement& row) { found.push_back(to_fanout(row)); }, after,
    as_limit(limit));
  return found;
}

std::vector<fanout_record> sqlite_reader::list_fanouts(run_key run) {
  static const auto query = "SELECT " + std::string{sql::fanout_columns}
                            + " FROM fanouts WHERE run=? ORDER BY task";
  std::vector<fanout_record> found;
  db_->prepared(query).each(
    [&](statement& row) { found.push_back(to_fanout(row)); }, run);
  return found;
}

std::optional<task_origin> sqlite_reader::load_origin(task_key task) {
  std::optional<task_origin> found;
  db_
    ->prepared(
      "SELECT o.task,o.run,r.id,o.created,coalesce(f.base,0),o.spec "
      "FROM task_rows t JOIN origins o ON o.task="
      "CASE t.parent WHEN 0 THEN t.task ELSE t.parent END "
      "JOIN run_rows r ON r.run=o.run LEFT JOIN fanouts f ON f.task=o.task "
      "WHERE t.task=?")
    .each(
      [&](statement& row) {
        auto spec = from_stored_text(row.text(5));
        if (!spec)
          throw store_error{{errc::corrupt, "task " + std::to_string(task)
                                              + ": " + spec.error().message},
                            true};
        found = {row.integer(0), row.integer(1), row.text(2),
                 row.time(3),    row.integer(4), std::move(*spec)};
      },
      task);
  return found;
}

std::vector<due_task> sqlite_reader::load_due(timestamp now, due_position after,
                                              std::size_t limit) {
  static const auto query
    = "SELECT t.task,o.run,t.parent,t.attempt,t.retries,t.lost,d.at "
      "FROM due d JOIN task_rows t ON t.task=d.task"
      + std::string{with_origin}
      + "WHERE d.state=2 AND d.at<=? AND (d.at,d.task)>(?,?) "
        "ORDER BY d.at,d.task LIMIT ?";
  std::vector<due_task> found;
  db_->prepared(query).each(
    [&](statement& row) {
      found.push_back({to_brief(row), row.time(6)});
    },
    now, after.at, after.task, as_limit(limit));
  return found;
}

std::vector<task_brief> sqlite_reader::load_retries_due(timestamp now,
                                                        std::size_t limit) {
  static const auto query
    = std::string{brief} + "due d JOIN task_rows t ON t.task=d.task"
      + std::string{with_origin}
      + "WHERE d.state=5 AND d.at<=? ORDER BY d.at,d.task "
        "LIMIT ?";
  std::vector<task_brief> found;
  db_->prepared(query).each(
    [&](statement& row) { found.push_back(to_brief(row)); }, now,
    as_limit(limit));
  return found;
}

std::optional<timestamp> sqlite_reader::next_retry_at() {
  std::optional<timestamp> found;
  db_->prepared("SELECT at FROM due WHERE state=5 ORDER BY at LIMIT 1")
    .each([&](statement& row) { found = row.time(0); });
  return found;
}

std::vector<std::string> sqlite_reader::load_items(task_range children) {
  return texts(
    db_->prepared("SELECT task,item FROM items WHERE task BETWEEN ? AND ?"),
    children);
}

std::vector<std::string> sqlite_reader::load_outputs(task_range tasks) {
  return texts(
    db_->prepared("SELECT task,output FROM outputs WHERE task BETWEEN ? AND ?"),
    tasks);
}

std::vector<lease_record> sqlite_reader::load_lost_leases(std::int64_t epoch,
                                                          timestamp now,
                                                          std::size_t limit) {
  std::vector<lease_record> found;
  db_
    ->prepared("SELECT first,count,deadline,epoch FROM leases "
               "WHERE epoch<>? OR deadline<? ORDER BY first LIMIT ?")
    .each(
      [&](statement& row) {
        found.push_back(
          {{row.integer(0), row.integer(1)}, row.time(2), row.integer(3)});
      },
      epoch, now, as_limit(limit));
  return found;
}

std::vector<task_brief> sqlite_reader::load_running(task_range tasks) {
  static const auto query = std::string{brief} + "task_rows t"
                            + std::string{with_origin}
                            + "WHERE t.task BETWEEN ? AND ? AND t.state=3 "
                              "ORDER BY t.task";
  std::vector<task_brief> found;
  db_->prepared(query).each(
    [&](statement& row) { found.push_back(to_brief(row)); }, tasks.first,
    tasks.end() - 1);
  return found;
}

} // namespace conductor::sqlite
