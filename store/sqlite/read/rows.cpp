#include "store/sqlite/read/rows.hpp"

#include <conductor/json_text.hpp>

#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

store_error damaged(const char* kind, std::int64_t key, std::string_view what) {
  return {{errc::corrupt, std::string{kind} + " " + std::to_string(key) + ": "
                            + std::string{what}
                            + "; the database is damaged, restore a backup"},
          true};
}

std::int64_t checked_row::count(int column, std::int64_t most) const {
  const auto value = row.integer(column);
  if (value < 0 || value > most)
    throw damaged(kind, key, std::to_string(value) + " is out of range");
  return value;
}

task_state checked_row::state(int column) const {
  const auto value = row.integer(column);
  if (value < static_cast<int>(task_state::pending)
      || value > static_cast<int>(task_state::cancelled))
    throw damaged(kind, key, std::to_string(value) + " is not a state");
  return static_cast<task_state>(value);
}

run_state checked_row::run_state_in(int column) const {
  const auto value = state(column);
  if (value == task_state::retrying)
    throw damaged(kind, key, "a run or a parent cannot wait for a retry");
  return static_cast<run_state>(value);
}

fence checked_row::fence_in(int column) const {
  return static_cast<fence>(count(column, static_cast<int>(fence::deadline)));
}

task_range checked_row::range(int first, std::int64_t most, bool empty) const {
  const auto from = count(first);
  const auto n = count(first + 1, most);
  if (n == 0 && !empty)
    throw damaged(kind, key, "it holds no task");
  return {from, n};
}

id_space load_ids(database& db) {
  return {static_cast<std::uint64_t>(db.number(sql::load_salt))};
}

run_record to_run(const statement& row) {
  run_record r;
  r.key = row.integer(0);
  const checked_row values{row, "run", r.key};
  r.id = row.text(1);
  r.state = values.run_state_in(2);
  r.created_at = row.time(3);
  r.updated_at = row.time(4);
  r.started_at = row.time(5);
  r.finished_at = row.time(6);
  const auto top_level = values.range(7, largest_key, true);
  r.first_task = top_level.first;
  r.tasks = top_level.count;
  r.succeeded = values.count(9, r.tasks);
  r.failed = values.count(10, r.tasks - r.succeeded);
  r.cancelled = values.count(11, r.tasks - r.succeeded - r.failed);
  r.retries = values.count(12);
  r.retry_budget = {row.integer(13), row.real(14)};
  r.name = row.text(15);
  r.meta = row.text(16);
  r.idempotency_key = row.text(17);
  r.skipped = values.count(18, r.cancelled);
  r.priority = static_cast<std::int32_t>(values.count(19, last_priority));
  r.paused = row.integer(20) != 0;
  r.fence = values.fence_in(21);
  r.deadline = row.time(22);
  r.deadline_delay = milliseconds{values.count(23)};
  if (r.priority < first_priority)
    throw damaged("run", r.key, "it has no priority");
  return r;
}

parent_record to_parent(const statement& row) {
  parent_record p;
  p.task = row.integer(0);
  const checked_row values{row, "parent", p.task};
  p.run = row.integer(1);
  p.state = static_cast<task_state>(values.run_state_in(2));
  p.base = values.count(3);
  p.total = values.count(4);
  p.expanded = values.count(5, p.total);
  auto left = p.expanded;
  const auto take = [&](int column) {
    const auto n = values.count(column, left);
    left -= n;
    return n;
  };
  p.children.running = take(6);
  p.children.retrying = take(7);
  p.children.succeeded = take(8);
  p.children.failed = take(9);
  p.children.cancelled = take(10);
  p.items = values.count(11, INT64_MAX / items_per_list - 1);
  p.expansion_error = row.text(12);
  p.ready = row.integer(13) != 0;
  p.fence = values.fence_in(14);
  derive_counts(p);
  return p;
}

task_segment read_segment(const statement& row) {
  task_segment s;
  const checked_row values{row, "task", row.integer(0)};
  s.tasks = values.range(0, max_span);
  s.state = values.state(4);
  s.attempt = values.count32(5);
  s.retry_count = values.count32(6);
  s.lost_count = values.count32(7);
  s.engine = row.integer(8);
  if (!row.is_null(10))
    s.due = row.time(10);
  s.created_at = row.time(11);
  s.started_at = row.time(12);
  s.updated_at = row.time(13);
  return s;
}

std::optional<run_record> load_run(database& db, run_key run) {
  std::optional<run_record> found;
  db.prepared(sql::load_run)
    .each([&](statement& row) { found = to_run(row); }, run);
  return found;
}

std::optional<parent_record> load_parent(database& db, task_key parent) {
  std::optional<parent_record> found;
  db.prepared(sql::load_parent)
    .each([&](statement& row) { found = to_parent(row); }, parent);
  return found;
}

namespace {

constexpr int deepest = 1000; ///< what any JSON of ours nests at most

/// Walks along JSON text from `from` to the next comma that is in no array,
/// object or string, or to the end; nullopt if it nests too deep.
std::optional<std::size_t> end_of_element(std::string_view text,
                                          std::size_t from) {
  int depth = 0;
  bool quoted = false;
  for (auto i = from; i < text.size(); ++i) {
    const auto c = text[i];
    if (quoted) {
      i += c == '\\';
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest)
        return std::nullopt;
    } else if (c == ']' || c == '}') {
      --depth;
    } else if (c == ',' && depth == 0) {
      return i;
    }
  }
  return text.size();
}

} // namespace

bool readable_json(std::string_view text) {
  return end_of_element(text, 0) == text.size() && is_json(text);
}

std::optional<std::vector<std::string>> split_array(std::string_view array) {
  if (!array.starts_with('[') || !array.ends_with(']') || !readable_json(array))
    return std::nullopt;
  const auto list = array.substr(1, array.size() - 2);
  std::vector<std::string> elements;
  if (list.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return elements;
  for (std::size_t from = 0; from <= list.size();) {
    const auto end = *end_of_element(list, from);
    elements.emplace_back(list.substr(from, end - from));
    from = end + 1;
  }
  return elements;
}

} // namespace conductor::sqlite
