#include <charconv>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"
#include "store/texts.hpp"

namespace conductor::sqlite {

namespace {

/// The kinds of events that a filter asks for; empty = none.
std::string kinds_named(const std::string& wanted) {
  std::vector<event_kind> kinds;
  for (int k = 1; k < 256; ++k)
    if (const auto kind = static_cast<event_kind>(k); is_named(kind, wanted))
      kinds.push_back(kind);
  return code_list(kinds);
}

} // namespace

std::optional<run_key> sqlite_reader::find_run(std::string_view id) {
  const auto parsed = parse_ulid(id);
  const auto key = parsed ? ids_.key(id_kind::run, *parsed) : std::nullopt;
  const auto run = key ? load_run(*key) : std::nullopt;
  if (!run || parse_ulid(run->id) != parsed)
    return std::nullopt;
  return run->key;
}

std::optional<task_key> sqlite_reader::find_task(std::string_view id) {
  const auto parsed = parse_ulid(id);
  const auto key = parsed ? ids_.key(id_kind::task, *parsed) : std::nullopt;
  const auto task = key ? load_task(*key) : std::nullopt;
  if (!task || parse_ulid(task->id) != parsed)
    return std::nullopt;
  return task->key;
}

std::optional<task_key> sqlite_reader::find_task(run_key run,
                                                 std::string_view name) {
  std::int64_t index = 0;
  const auto hash = name.rfind('#');
  if (hash != std::string_view::npos) {
    const auto* end = name.data() + name.size();
    const auto [rest, bad]
      = std::from_chars(name.data() + hash + 1, end, index);
    if (bad != std::errc{} || rest != end || index < 1
        || name.substr(hash + 1) != std::to_string(index))
      return std::nullopt;
    name = name.substr(0, hash);
  }
  std::optional<task_key> found;
  db_
    ->prepared("SELECT o.task,f.base,f.expanded FROM origins o LEFT JOIN "
               "fanouts f ON f.task=o.task WHERE o.run=? AND o.name=?")
    .each(
      [&](statement& row) {
        if (index == 0)
          found = row.integer(0);
        else if (!row.is_null(1) && index <= row.integer(2))
          found = row.integer(1) + index - 1;
      },
      run, name);
  return found;
}

std::vector<run_record> sqlite_reader::list_runs(const run_filter& filter,
                                                 run_key before,
                                                 std::size_t limit) {
  auto query = "SELECT " + std::string{sql::run_columns}
               + " FROM run_rows WHERE run<? AND created>=? AND name GLOB ?";
  if (!filter.states.empty())
    query += " AND state IN (" + code_list(filter.states) + ")";
  query += " AND (?4='' OR EXISTS(SELECT 1 FROM json_each(meta) m WHERE "
           "m.key=?4 AND CASE m.type WHEN 'true' THEN 'true' WHEN 'false' "
           "THEN 'false' ELSE CAST(m.value AS TEXT) END=?5)) "
           "ORDER BY run DESC LIMIT ?6";
  std::vector<run_record> found;
  db_->prepared(query).each(
    [&](statement& row) { found.push_back(to_run(row)); },
    before ? before : INT64_MAX, filter.since,
    filter.name.empty() ? std::string{"*"} : filter.name, filter.label,
    filter.label_value, static_cast<std::int64_t>(limit));
  return found;
}

std::vector<event_record> sqlite_reader::list_events(const event_filter& filter,
                                                     event_seq after,
                                                     std::size_t limit) {
  const auto kinds = kinds_named(filter.name);
  if (kinds.empty())
    return {};
  // CROSS: kinds are told apart before anything else is looked at.
  std::string query
    = "SELECT s.seq,s.first,s.count,s.at,s.payload,s.hash,k.name,r.id,"
      "o.created,o.name,coalesce(f.base,0),t.parent FROM event_spans s "
      "CROSS JOIN event_kinds k ON k.kind=s.kind "
      "LEFT JOIN run_rows r ON r.run=s.run "
      "LEFT JOIN task_rows t ON t.task=s.first "
      "LEFT JOIN origins o ON o.task="
      "CASE t.parent WHEN 0 THEN t.task ELSE t.parent END "
      "LEFT JOIN fanouts f ON f.task=t.parent "
      "WHERE s.seq>?1-"
      + std::to_string(max_span) + " AND s.seq+s.count>?1+1 AND s.kind IN ("
      + kinds + ")";
  if (filter.run != 0)
    query += " AND s.run=?3";
  if (filter.task != 0)
    query += " AND s.first>0 AND s.first<=?4 AND s.first>?4-"
             + std::to_string(max_span) + " AND s.first+s.count>?4";
  query += " ORDER BY s.seq LIMIT ?2";
  std::vector<event_record> found;
  const auto expand = [&](statement& row) {
    const auto first = row.integer(1), count = row.integer(2);
    for (std::int64_t i = 0; i < count && found.size() < limit; ++i) {
      const auto task = first == 0 ? 0 : first + i;
      const auto seq = row.integer(0) + i;
      if (seq <= after || (filter.task != 0 && task != filter.task))
        continue;
      event_record e{.seq = seq,
                     .id = ids_.text(id_kind::event, row.time(3), seq),
                     .run_id = row.text(7),
                     .name = row.text(6),
                     .at = row.time(3),
                     .payload = row.text(4),
                     .hash = static_cast<std::uint64_t>(row.integer(5))};
      if (task != 0) {
        e.task_id = ids_.text(id_kind::task, row.time(8), task);
        e.task_name = row.text(9);
        if (row.integer(11) != 0)
          e.task_name += "#" + std::to_string(task - row.integer(10) + 1);
        else if (i > 0) // a range of top-level tasks: each has its own name
          db_->prepared("SELECT name FROM origins WHERE task=?")
            .each([&](statement& origin) { e.task_name = origin.text(0); },
                  task);
      }
      found.push_back(std::move(e));
    }
  };
  db_->prepared(query).each(expand, after, static_cast<std::int64_t>(limit),
                            filter.run, filter.task);
  return found;
}

state_counts sqlite_reader::count_leaves(run_key run) {
  // Texts of their own for one run and for all: only then does SQLite use the
  // index for the one.
  static const std::string of_parents
    = "SELECT total(total),total(expanded),total(running),total(retrying),"
      "total(succeeded),total(failed),total(cancelled) FROM fanouts ";
  static const std::string of_leaves
    = "SELECT t.state,count(*) FROM origins o JOIN task_rows t ON "
      "t.task=o.task LEFT JOIN fanouts f ON f.task=o.task WHERE f.task IS "
      "NULL ";
  static const std::string queries[2][2]{
    {of_parents + "WHERE ?1=0", of_leaves + "AND ?1=0 GROUP BY t.state"},
    {of_parents + "WHERE run=?1", of_leaves + "AND o.run=?1 GROUP BY t.state"}};
  const auto& [parents, leaves] = queries[run != 0];
  state_counts total;
  db_->prepared(parents).each(
    [&](statement& row) { total += to_counts(row, 0); }, run);
  db_->prepared(leaves).each(
    [&](statement& row) {
      total[static_cast<task_state>(row.integer(0))] += row.integer(1);
    },
    run);
  return total;
}

} // namespace conductor::sqlite
