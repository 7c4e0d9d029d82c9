#include <algorithm>

#include <conductor/json_text.hpp>

#include "store/sqlite/read/name_walk.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"
#include "store/texts.hpp"

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

/// What is few is driven from its own table, in the order of the text (CROSS),
/// rather than from all tasks of the run: what failed has a row in `errors`,
/// what is top-level one in `origins`.
std::string few_of(const task_filter& filter) {
  const auto& states = filter.states;
  const auto only_failures
    = !states.empty() && std::all_of(states.begin(), states.end(), [](auto s) {
        return s == task_state::failed || s == task_state::retrying;
      });
  return filter.top_level                         ? "origins"
         : only_failures || !filter.error.empty() ? "errors"
                                                  : "";
}

std::string query_of(const task_filter& filter) {
  const auto few = few_of(filter);
  const std::string key = few.empty() ? "t.task" : "x.task";
  auto query = task_columns(filter.texts)
               + (few.empty() ? "task_rows t"
                              : few
                                  + " x CROSS JOIN task_rows t ON "
                                    "t.task=x.task")
               + std::string{task_joins} + "WHERE " + key + ">=?1 AND " + key
               + "<?2";
  if (filter.parent != 0)
    query += " AND t.parent=?5";
  if (filter.top_level)
    query += " AND t.parent=0";
  if (!filter.states.empty())
    query += " AND t.state IN (" + code_list(filter.states) + ")";
  if (!filter.error.empty())
    query += " AND instr(e.error,?6)>0 AND json_extract(e.error,'$.type')=?6";
  if (!filter.name.empty())
    query += " AND CASE WHEN t.parent>0 THEN o.name||'#'||(t.task-f.base+1) "
             "ELSE o.name END GLOB ?3";
  return query + " ORDER BY " + key + " LIMIT ?4";
}

} // namespace

std::optional<task_record> sqlite_reader::load_task(task_key task) {
  static const auto query = task_columns(true) + "task_rows t"
                            + std::string{task_joins} + "WHERE t.task=?";
  std::optional<task_record> found;
  db_->prepared(query).each(
    [&](statement& row) { found = to_task(row, ids_, true); }, task);
  return found;
}

std::vector<task_record> sqlite_reader::list_tasks(const task_filter& filter,
                                                   task_key after,
                                                   std::size_t limit) {
  const auto query = query_of(filter);
  std::vector<task_record> found;
  name_walk walk{blocks_with(filter), filter.name, after + 1};
  while (found.size() < limit) {
    const auto range = walk.next();
    if (!range)
      break;
    db_->prepared(query).each(
      [&](statement& row) {
        found.push_back(to_task(row, ids_, filter.texts));
      },
      range->first, range->end, filter.name,
      static_cast<std::int64_t>(limit - found.size()), filter.parent,
      filter.error);
  }
  return found;
}

std::vector<task_block> sqlite_reader::blocks_with(const task_filter& filter) {
  const auto bounds = keys_of(filter.run);
  if (filter.run == 0 || (filter.states.empty() && filter.name.empty()))
    return {{bounds.first, bounds.end, {}}};
  // A run's top-level tasks come first, then the children of each parent. The
  // parents' counters tell which of them have children in such a state.
  std::vector<task_block> top, children;
  const auto add = [&](statement& row) {
    const auto task = row.integer(0);
    const auto name = row.text(1);
    if (filter.name.empty() || glob_match(filter.name, name))
      append(top, {task, task + 1, {}});
    if (row.is_null(2) || filter.top_level)
      return;
    const auto base = row.integer(2), expanded = row.integer(4);
    auto counts = to_counts(row, 3);
    std::int64_t wanted = filter.states.empty() ? expanded : 0;
    for (auto state : filter.states)
      wanted += counts[state];
    if (wanted > 0 && expanded > 0)
      append(children,
             {base, base + expanded, filter.name.empty() ? "" : name + "#"});
  };
  db_
    ->prepared("SELECT o.task,o.name,f.base,f.total,f.expanded,f.running,"
               "f.retrying,f.succeeded,f.failed,f.cancelled FROM origins o "
               "LEFT JOIN fanouts f ON f.task=o.task WHERE o.run=? ORDER BY "
               "o.task")
    .each(add, filter.run);
  top.insert(top.end(), children.begin(), children.end());
  return top;
}

} // namespace conductor::sqlite
