#include <charconv>

#include <conductor/json_text.hpp>

#include "store/sqlite/rows.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/sql.hpp"
#include "store/sqlite/sqlite_reader.hpp"

namespace conductor::sqlite {

namespace {

/// The columns of a task_record, large texts last.
std::string task_columns(bool texts) {
  return std::string{"SELECT t.task,t.parent,t.state,t.attempt,t.retries,"
                     "t.lost,t.created,t.started,t.updated,o.run,o.created,"
                     "o.name,o.handler,o.max_retries,r.id,coalesce(f.base,0),"
                     "e.error,coalesce(d.at,0)"}
         + (texts ? ",coalesce(f.item_from,0),coalesce(f.item_step,0),i.item,"
                    "o.input,o.child_input,out.output FROM "
                  : " FROM ");
}

constexpr std::string_view task_joins
  = " JOIN origins o ON o.task=CASE t.parent WHEN 0 THEN t.task ELSE t.parent "
    "END JOIN run_rows r ON r.run=o.run LEFT JOIN fanouts f ON f.task=t.parent "
    "LEFT JOIN items i ON i.task=t.task LEFT JOIN outputs out ON "
    "out.task=t.task LEFT JOIN errors e ON e.task=t.task LEFT JOIN due d ON "
    "d.task=t.task ";

std::string child_input(const statement& row, std::int64_t index) {
  const auto item
    = row.is_null(20)
        ? std::to_string(row.integer(18) + (index - 1) * row.integer(19))
        : row.text(20);
  auto input = json::parse(row.text(22), nullptr, false);
  input["index"] = index;
  input["item"] = json::parse(item, nullptr, false);
  return dump(input);
}

task_record to_task(const statement& row, const id_space& ids, bool texts) {
  task_record t;
  t.key = row.integer(0);
  t.parent = row.integer(1);
  t.state = static_cast<task_state>(row.integer(2));
  t.attempt = row.integer32(3);
  t.retry_count = row.integer32(4);
  t.lost_count = row.integer32(5);
  t.created_at = row.time(6);
  t.started_at = t.attempt > 0 ? row.time(7) : no_time;
  t.updated_at = row.time(8);
  t.run = row.integer(9);
  const auto origin_created = row.time(10);
  t.name = row.text(11);
  t.handler = row.text(12);
  t.max_retries = row.integer32(13);
  t.run_id = row.text(14);
  t.id = ids.text(id_kind::task, origin_created, t.key);
  if (t.parent != 0) {
    t.index = t.key - row.integer(15) + 1;
    t.parent_task_id = ids.text(id_kind::task, origin_created, t.parent);
    t.name += "#" + std::to_string(t.index);
  }
  t.last_error = row.text(16);
  t.due_at = row.time(17);
  if (texts) {
    t.input = t.parent != 0 ? child_input(row, t.index) : row.text(21);
    t.output = row.text(23);
  }
  return t;
}

template <class State>
std::string state_list(const std::vector<State>& states) {
  std::string list;
  for (auto s : states)
    list += (list.empty() ? "" : ",") + std::to_string(static_cast<int>(s));
  return list;
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

std::optional<task_record> sqlite_reader::load_task(task_key task) {
  static const auto query = task_columns(true) + "task_rows t"
                            + std::string{task_joins} + "WHERE t.task=?";
  std::optional<task_record> found;
  db_->prepared(query).each(
    [&](statement& row) { found = to_task(row, ids_, true); }, task);
  return found;
}

std::vector<run_record> sqlite_reader::list_runs(const run_filter& filter,
                                                 run_key before,
                                                 std::size_t limit) {
  auto query = "SELECT " + std::string{sql::run_columns}
               + " FROM run_rows WHERE run<? AND created>=? AND name GLOB ?";
  if (!filter.states.empty())
    query += " AND state IN (" + state_list(filter.states) + ")";
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

std::vector<task_record> sqlite_reader::list_tasks(const task_filter& filter,
                                                   task_key after,
                                                   std::size_t limit) {
  const auto bounds = keys_of(filter.run);
  // What is few is driven from its own table, in the order of the text
  // (CROSS), rather than from all tasks of the run: what failed has a row in
  // `errors`, what is top-level one in `origins`.
  const auto& states = filter.states;
  const auto only_failures
    = !states.empty() && std::all_of(states.begin(), states.end(), [](auto s) {
        return s == task_state::failed || s == task_state::retrying;
      });
  const std::string few = filter.top_level ? "origins"
                          : only_failures  ? "errors"
                                           : "";
  const std::string key = few.empty() ? "t.task" : "x.task";
  auto query = task_columns(filter.texts)
               + (few.empty() ? "task_rows t"
                              : few
                                  + " x CROSS JOIN task_rows t ON "
                                    "t.task=x.task")
               + std::string{task_joins} + "WHERE " + key + ">?1 AND " + key
               + ">=?2 AND " + key + "<?3";
  if (filter.parent != 0)
    query += " AND t.parent=?6";
  if (filter.top_level)
    query += " AND t.parent=0";
  if (!states.empty())
    query += " AND t.state IN (" + state_list(states) + ")";
  query += " AND CASE WHEN ?4='' THEN 1 WHEN t.parent>0 THEN "
           "o.name||'#'||(t.task-f.base+1) GLOB ?4 ELSE o.name GLOB ?4 END "
           "ORDER BY "
           + key + " LIMIT ?5";
  std::vector<task_record> found;
  for (const auto& range : ranges_with(filter, bounds, after)) {
    if (found.size() >= limit)
      break;
    db_->prepared(query).each(
      [&](statement& row) {
        found.push_back(to_task(row, ids_, filter.texts));
      },
      after, range.first, range.end, filter.name,
      static_cast<std::int64_t>(limit - found.size()), filter.parent);
  }
  return found;
}

std::vector<sqlite_reader::key_range>
sqlite_reader::ranges_with(const task_filter& filter, key_range bounds,
                           task_key after) {
  if (filter.run == 0 || filter.states.empty() || filter.top_level)
    return {bounds};
  // The parents' counters tell which of them have such children; a run's other
  // tasks come first.
  std::vector<key_range> ranges;
  task_key next = bounds.first;
  for (auto& f : list_fanouts(filter.run)) {
    std::int64_t wanted = 0;
    for (auto state : filter.states)
      wanted += f.children[state];
    if (wanted > 0 || f.total == 0)
      continue;
    if (next < f.base)
      ranges.push_back({next, f.base});
    next = f.base + f.total;
  }
  if (next < bounds.end)
    ranges.push_back({next, bounds.end});
  std::erase_if(ranges, [&](const auto& r) { return r.end <= after + 1; });
  return ranges;
}

std::vector<event_record> sqlite_reader::list_events(const event_filter& filter,
                                                     event_seq after,
                                                     std::size_t limit) {
  std::string query
    = "SELECT s.seq,s.first,s.count,s.at,s.payload,s.hash,k.name,r.id,"
      "o.created,o.name,coalesce(f.base,0),t.parent FROM event_spans s "
      "JOIN event_kinds k ON k.kind=s.kind "
      "LEFT JOIN run_rows r ON r.run=s.run "
      "LEFT JOIN task_rows t ON t.task=s.first "
      "LEFT JOIN origins o ON o.task="
      "CASE t.parent WHEN 0 THEN t.task ELSE t.parent END "
      "LEFT JOIN fanouts f ON f.task=t.parent "
      "WHERE s.seq>?1-"
      + std::to_string(max_span)
      + " AND s.seq+s.count>?1+1 AND substr(k.name,1,length(?2))=?2";
  if (filter.run != 0)
    query += " AND s.run=?4";
  if (filter.task != 0)
    query += " AND s.first>0 AND s.first<=?5 AND s.first>?5-"
             + std::to_string(max_span) + " AND s.first+s.count>?5";
  query += " ORDER BY s.seq LIMIT ?3";
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
  db_->prepared(query).each(expand, after, filter.name,
                            static_cast<std::int64_t>(limit), filter.run,
                            filter.task);
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
