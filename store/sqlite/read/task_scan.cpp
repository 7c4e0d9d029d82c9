#include "store/sqlite/read/task_scan.hpp"

#include <algorithm>

#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/task_ranges.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

namespace {

/// Most pages are full after a few rows; chunks grow where they are not.
constexpr std::int64_t first_chunk = 16, largest_chunk = 1024;

std::int64_t as_limit(std::size_t limit) {
  return static_cast<std::int64_t>(std::min<std::size_t>(limit, largest_key));
}

// Columns after those of the segment, see `sql::task_columns`.
enum column {
  segment_error = 9,
  block_first = 14,
  block_count,
  block_run,
  block_parent,
  block_prefix,
  run_id,
  run_created,
  template_task,
  definition_name,
  handler_name,
  max_retries,
  error_text,
  parent_items,
  parent_item_from,
  parent_item_step,
  waiting_not_before,
  waiting_left,
  waiting_skipped,
  input_text
};

} // namespace

task_scan::task_scan(database& db, const id_space& ids, const task_query& query)
  : db_(db), ids_(ids), query_(query), names_(query.filter.name), items_(db),
    first_(1), last_(largest_key) {
  if (const auto& keys = query.keys; keys.count > 0) {
    first_ = std::max(first_, keys.first);
    last_ = std::min(last_, keys.first + std::min(keys.count, largest_key) - 1);
  }
  if (query.order == task_order::by_key)
    first_ = std::max(first_, std::min(query.after, largest_key) + 1);
}

std::vector<task_record> task_scan::run() {
  if (query_.order == task_order::by_key)
    scan_by_key();
  else
    scan_in_order();
  if (query_.filter.texts)
    add_outputs(db_, found_);
  return std::move(found_);
}

bool task_scan::filters_rows() const {
  return !query_.filter.name.empty() || !query_.filter.error.empty();
}

std::string task_scan::conditions() const {
  std::string text;
  if (!query_.filter.states.empty())
    text += " AND s.state IN (" + code_list(query_.filter.states) + ")";
  if (query_.started_before != no_time)
    text += sql::started_before;
  if (query_.with_error || !query_.filter.error.empty())
    text += sql::has_error;
  return text;
}

std::string task_scan::select(std::string_view source) const {
  auto text = sql::task_columns.str();
  if (query_.filter.texts)
    text += sql::task_texts;
  return text.append(source).append(sql::task_joins);
}

void task_scan::scan_by_key() {
  task_ranges ranges{db_, query_.filter, first_, last_};
  while (!full()) {
    const auto range = ranges.next();
    if (!range)
      return;
    scan_range(*range);
  }
}

void task_scan::scan_range(task_range range) {
  auto text = select(sql::all_segments);
  text.append(sql::segment_in_range)
    .append(conditions())
    .append(sql::segments_by_key);
  auto& query = db_.prepared(text);
  auto chunk = std::min(first_chunk, as_limit(query_.limit - found_.size()));
  segment_ = 0;
  for (next_ = range.first; !full() && next_ < range.end();) {
    std::int64_t rows = 0;
    const task_range left{next_, range.end() - next_};
    query.each(
      [&](statement& row) {
        ++rows;
        if (!full())
          take(row, left);
      },
      left.first, left.end() - 1, chunk, query_.filter.run,
      query_.filter.parent, query_.started_before);
    if (rows < chunk)
      break;
    chunk = std::min(chunk * 2, largest_chunk);
  }
  if (!full())
    check_complete();
}

void task_scan::scan_in_order() {
  const auto limit = filters_rows() ? -1 : as_limit(query_.limit);
  const auto text = query_.order == task_order::slowest_first ? select_slowest()
                                                              : select_oldest();
  db_.prepared(text).each(
    [&](statement& row) {
      if (!full())
        take(row, {first_, last_ - first_ + 1});
    },
    first_, last_, limit, query_.filter.run, query_.filter.parent,
    query_.started_before);
}

std::string task_scan::block_conditions() const {
  const auto& filter = query_.filter;
  std::string text;
  if (filter.run != 0)
    text += sql::block_is_of_run;
  if (filter.parent != 0)
    text += sql::block_is_of_parent;
  if (filter.top_level)
    text += sql::block_is_top_level;
  return text;
}

std::string task_scan::select_oldest() const {
  return select(sql::running_segments)
    .append(sql::segment_is_running)
    .append(conditions())
    .append(block_conditions())
    .append(sql::segments_by_start);
}

/// The few rows wanted are found before anything is joined with them.
std::string task_scan::select_slowest() const {
  const auto of_blocks = block_conditions();
  std::string source = " FROM (SELECT s.* FROM ";
  source
    .append(of_blocks.empty() ? std::string_view{sql::segments_alone}
                              : std::string_view{sql::segments_of_blocks})
    .append(sql::slowest_of)
    .append(conditions())
    .append(of_blocks)
    .append(sql::slowest_first)
    .append(") s");
  return select(source).append(sql::segments_by_duration);
}

void task_scan::take(const statement& row, task_range within) {
  if (!may_match(row, within)) {
    segment_ = row.integer(0);
    next_ = segment_end_ = segment_ + row.integer(1);
    return;
  }
  const auto s = read(row);
  auto keys = s.segment.tasks;
  if (s.record.parent == 0)
    keys = {row.integer(template_task), 1};
  if (query_.order == task_order::by_key)
    check_order(s, keys, within);
  next_ = keys.end();
  if (!of_interest(s))
    return;
  const auto end = std::min(keys.end(), within.end());
  for (auto key = std::max(keys.first, within.first); key < end && !full();
       ++key)
    if (s.record.parent == 0
          ? names_.matches(s.record.name)
          : names_.matches(s.prefix, key - s.block.first + 1))
      add(s, key);
}

/// Whether a row has children of a name that is wanted, found out before
/// anything is made of the row.
bool task_scan::may_match(const statement& row, task_range within) {
  if (names_.any() || row.is_null(block_parent)
      || row.integer(block_parent) == 0)
    return true;
  const auto part = cut(read_segment(row), within);
  if (!part)
    return true;
  const auto prefix = row.view(block_prefix);
  const auto base = row.integer(block_first) - 1;
  for (auto key = part->tasks.first; key < part->tasks.end(); ++key)
    if (names_.matches(prefix, key - base))
      return true;
  return false;
}

/// The rows must hold each task once; of top-level tasks there is a row each.
void task_scan::check_order(const shared& s, task_range keys,
                            task_range within) {
  const auto first = s.segment.tasks.first;
  const auto same = first == segment_;
  if (!same) {
    check_complete();
    if (segment_ > 0 && first < next_)
      throw damaged("task", first, "two rows hold it");
    segment_ = first;
    segment_end_ = std::min(s.segment.tasks.end(), within.end());
  }
  const auto expected = same ? next_ : std::max(first, within.first);
  if (s.record.parent == 0 && keys.first != expected)
    throw damaged("task", expected, "its template is missing");
}

void task_scan::check_complete() const {
  if (segment_ > 0 && next_ < segment_end_)
    throw damaged("task", next_, "its template is missing");
}

task_scan::shared task_scan::read(const statement& row) const {
  shared s;
  s.segment = read_segment(row);
  const auto first = s.segment.tasks.first;
  const auto need = [&](int column, const char* what) {
    if (row.is_null(column))
      throw damaged("task", first, std::string{"its "} + what + " is missing");
  };
  need(block_first, "block");
  need(run_id, "run");
  need(template_task, "template");
  need(definition_name, "definition");
  need(handler_name, "handler");
  s.block = checked_row{row, "block", row.integer(block_first)}.range(
    block_first, largest_key);
  if (first < s.block.first || s.segment.tasks.end() > s.block.end())
    throw damaged("task", first, "it is not in its block");
  s.created = row.time(run_created);
  auto& r = s.record;
  r.run = row.integer(block_run);
  r.run_id = row.text(run_id);
  r.parent = row.integer(block_parent);
  r.handler = row.text(handler_name);
  r.max_retries = row.integer32(max_retries);
  r.state = s.segment.state;
  r.attempt = s.segment.attempt;
  r.retry_count = s.segment.retry_count;
  r.lost_count = s.segment.lost_count;
  r.created_at = s.segment.created_at;
  r.started_at = r.attempt > 0 ? s.segment.started_at : no_time;
  r.updated_at = s.segment.updated_at;
  r.due_at = s.segment.due.value_or(no_time);
  if (row.integer(segment_error) != 0) {
    need(error_text, "error");
    r.last_error = row.text(error_text);
  }
  if (r.parent == 0) {
    r.name = row.text(definition_name);
    r.not_before = row.time(waiting_not_before);
    r.waits_for = row.integer(waiting_left);
    r.skipped = row.integer(waiting_skipped) != 0;
  } else {
    need(parent_items, "parent");
    s.prefix = row.text(block_prefix);
    s.items = row.integer(parent_items);
    s.item_from = row.integer(parent_item_from);
    s.item_step = row.integer(parent_item_step);
    r.parent_task_id = ids_.text(id_kind::task, s.created, r.parent);
  }
  if (query_.filter.texts) {
    r.input = row.text(input_text);
    if (r.parent != 0 && !readable_json(r.input))
      throw damaged("task", first, "its input cannot be read");
  }
  return s;
}

bool task_scan::of_interest(const shared& s) {
  const auto& filter = query_.filter;
  return (filter.run == 0 || filter.run == s.record.run)
         && (filter.parent == 0 || filter.parent == s.record.parent)
         && (!filter.top_level || s.record.parent == 0)
         && (filter.error.empty() || has_error_type(s.record.last_error));
}

bool task_scan::has_error_type(const std::string& error) {
  if (error != error_) {
    error_ = error;
    error_matches_ = type_of_error(error) == query_.filter.error;
  }
  return error_matches_;
}

void task_scan::add(const shared& s, task_key key) {
  auto& task = found_.emplace_back(s.record);
  task.key = key;
  task.id = ids_.text(id_kind::task, s.created, key);
  if (task.parent == 0)
    return;
  task.index = key - s.block.first + 1;
  task.name = s.prefix + std::to_string(task.index);
  if (!query_.filter.texts)
    return;
  task.input = child_input(
    task.input, task.index,
    s.items != 0 ? items_.item(s.items, task.index)
                 : derived_item(s.item_from, s.item_step, task.index, key));
}

} // namespace conductor::sqlite
