#include "store/sqlite/read/task_ranges.hpp"

#include <algorithm>

#include <conductor/lifecycle.hpp>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

namespace {

constexpr std::int64_t blocks_per_page = 512;

std::string blocks_query(const task_filter& filter) {
  if (filter.run == 0 && filter.parent == 0 && !filter.top_level
      && filter.name.empty())
    return {};
  auto query = sql::select_blocks.str();
  if (filter.run != 0)
    query += sql::block_is_of_run;
  if (filter.parent != 0)
    query += sql::block_is_of_parent;
  if (filter.top_level)
    query += sql::block_is_top_level;
  query += sql::blocks_by_key;
  return query;
}

/// Whether a parent has children in any of the states.
bool has_any(const statement& row, task_key parent,
             const std::vector<task_state>& states) {
  if (row.is_null(4))
    throw damaged("parent", parent, "its row is missing");
  if (states.empty())
    return true;
  const checked_row values{row, "parent", parent};
  parent_record p;
  p.expanded = values.count(4);
  p.children.running = values.count(5);
  p.children.retrying = values.count(6);
  p.children.succeeded = values.count(7);
  p.children.failed = values.count(8);
  p.children.cancelled = values.count(9);
  derive_counts(p);
  return std::ranges::any_of(states, [&](auto s) { return p.children[s] > 0; });
}

} // namespace

task_ranges::task_ranges(database& db, const task_filter& filter,
                         task_key first, task_key last)
  : db_(db), filter_(filter), names_(filter.name), query_(blocks_query(filter)),
    first_(first), last_(last), next_block_(first) {
  if (query_.empty()) {
    more_ = false;
    if (first <= last)
      found_ = {{first, last - first + 1}};
    return;
  }
  // The block that the first key is in may begin before it.
  db_.prepared(sql::block_before)
    .each(
      [&](statement& row) {
        if (!row.is_null(0))
          next_block_ = row.integer(0);
      },
      first);
}

std::optional<task_range> task_ranges::next() {
  while (place_ == found_.size()) {
    if (!more_)
      return std::nullopt;
    load_blocks();
  }
  return found_[place_++];
}

void task_ranges::load_blocks() {
  found_.clear();
  place_ = 0;
  std::int64_t rows = 0;
  db_.prepared(query_).each(
    [&](statement& row) {
      ++rows;
      next_block_ = row.integer(0) + 1;
      add_block(row);
    },
    next_block_, last_, blocks_per_page, filter_.run, filter_.parent);
  more_ = rows == blocks_per_page;
}

void task_ranges::add_block(const statement& row) {
  const auto keys
    = checked_row{row, "block", row.integer(0)}.range(0, largest_key, true);
  if (keys.first < covered_)
    throw damaged("block", keys.first, "it overlaps with the one before it");
  covered_ = keys.end();
  const auto parent = row.integer(2);
  std::vector<task_range> wanted{keys};
  if (parent != 0)
    wanted = has_any(row, parent, filter_.states)
               ? names_.ranges(keys, row.text(3))
               : std::vector<task_range>{};
  for (const auto& range : wanted) {
    const auto first = std::max(range.first, first_);
    const auto end = std::min(range.end(), last_ + 1);
    if (first >= end)
      continue;
    if (!found_.empty() && found_.back().end() == first)
      found_.back().count = end - found_.back().first;
    else
      found_.push_back({first, end - first});
  }
}

} // namespace conductor::sqlite
