#include <algorithm>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"
#include "store/sqlite/read/task_texts.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

namespace {

using kind = group_query::kind;

std::string_view statement_of(const group_query& query) {
  switch (query.of) {
  case kind::of_range: return sql::groups_of_range;
  case kind::unsettled:
    return query.parent ? std::string_view{sql::unsettled_groups}
                        : std::string_view{sql::unsettled_leaves};
  case kind::retries_due: return sql::retries_due;
  case kind::abandoned: return sql::abandoned_groups;
  case kind::waiting: break;
  }
  return sql::waiting_groups;
}

/// The part of a row's tasks within `keys` as a group.
std::optional<task_group> to_group(const statement& row, task_range keys) {
  const auto segment = read_segment(row);
  if (row.is_null(14))
    throw damaged("task", segment.tasks.first, "its block is missing");
  const auto part = cut(segment, keys);
  if (!part)
    return std::nullopt;
  return task_group{row.integer(14),  row.integer(15),
                    part->tasks,      part->state,
                    part->attempt,    part->retry_count,
                    part->lost_count, part->due.value_or(no_time)};
}

} // namespace

std::vector<task_group> sqlite_reader::groups(const group_query& query) {
  const auto moment = snapshot();
  task_range keys{1, largest_key};
  if (query.of == kind::of_range) {
    keys = query.keys;
  } else if (query.of == kind::unsettled && query.parent != 0) {
    const auto parent = sqlite::load_parent(*db_, query.parent);
    keys = parent ? parent->range() : task_range{};
  }
  if (query.of != kind::retries_due && query.of != kind::waiting
      && query.after >= keys.first) {
    keys.count = std::max<std::int64_t>(0, keys.end() - query.after - 1);
    keys.first = query.after + 1;
  }
  std::vector<task_group> found;
  if (keys.count < 1)
    return found;
  auto& statement_for = db_->prepared(statement_of(query));
  const auto take = [&](statement& row) {
    if (auto group = to_group(row, keys))
      found.push_back(*group);
  };
  const auto limit = static_cast<std::int64_t>(query.limit);
  if (query.of == kind::unsettled && query.parent == 0)
    statement_for.each(take, keys.first, keys.end() - 1, limit, query.run);
  else
    statement_for.each(take, keys.first, keys.end() - 1, limit, query.now);
  return found;
}

std::optional<timestamp> sqlite_reader::next_due_at() {
  const auto moment = snapshot();
  std::optional<timestamp> next;
  const std::string_view questions[]
    = {sql::next_retry, sql::next_release, sql::next_deadline};
  for (const auto question : questions)
    db_->prepared(question).each([&](statement& row) {
      next = next ? std::min(*next, row.time(0)) : row.time(0);
    });
  return next;
}

std::vector<dependency> sqlite_reader::dependencies(run_key run) {
  const auto moment = snapshot();
  std::vector<dependency> found;
  if (const auto of = sqlite::load_run(*db_, run))
    db_->prepared(sql::dependencies_of_run)
      .each(
        [&](statement& row) {
          const checked_row values{row, "task", row.integer(1)};
          found.push_back({row.integer(0), row.integer(1),
                           static_cast<condition>(values.count(2, 2))});
        },
        of->first_task, of->first_task + of->tasks - 1);
  return found;
}

std::vector<std::string> sqlite_reader::texts(text_kind kind,
                                              task_range tasks) {
  if (tasks.count <= 0)
    return {};
  const auto moment = snapshot();
  // A damaged number of children must not become a number of texts.
  std::int64_t existing = 0;
  db_->prepared(sql::count_in_range)
    .each([&](statement& row) { existing = row.integer(0); }, tasks.first,
          tasks.end() - 1);
  if (tasks.count > existing + max_span)
    throw damaged("task", tasks.first,
                  "there are not " + std::to_string(tasks.count)
                    + " tasks from it on");
  std::vector<std::string> found(static_cast<std::size_t>(tasks.count));
  if (kind != text_kind::output) {
    read_segment_texts(kind, tasks, found);
    return found;
  }
  db_->prepared(sql::outputs_between)
    .each(
      [&](statement& row) {
        found[static_cast<std::size_t>(row.integer(0) - tasks.first)]
          = row.text(1);
      },
      tasks.first, tasks.end() - 1);
  return found;
}

/// Errors and items, which are found by what a segment says.
void sqlite_reader::read_segment_texts(text_kind kind, task_range tasks,
                                       std::vector<std::string>& texts) {
  item_reader items{*db_};
  const auto take = [&](statement& row) {
    const auto segment = read_segment(row);
    const auto part = cut(segment, tasks);
    const auto is_item = kind == text_kind::item;
    const auto error = row.integer(9);
    if (!is_item && error != 0 && row.is_null(14))
      throw damaged("task", segment.tasks.first, "its error is missing");
    if (!part || (is_item && row.integer(16) == 0))
      return;
    for (auto key = part->tasks.first; key < part->tasks.end(); ++key) {
      auto& text = texts[static_cast<std::size_t>(key - tasks.first)];
      text = is_item ? items.item(row.integer(16), key - row.integer(15) + 1)
                     : row.text(14);
    }
  };
  db_->prepared(sql::segments_in_range)
    .each(take, tasks.first, tasks.end() - 1);
}

} // namespace conductor::sqlite
