#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/lifecycle.hpp>

#include "store/sqlite/connection/database.hpp"

/// Rows become records here, and nowhere else are their values trusted: what
/// cannot be ends in `store_error` (corrupt) with the place.
namespace conductor::sqlite {

/// The error that a damaged row is: "task 7: what; restore a backup".
store_error damaged(const char* kind, std::int64_t key, std::string_view what);

/// Ids hold 40 bits of a key (`id_space`), so that no key or number of tasks is
/// larger, and sums of them do not overflow.
inline constexpr std::int64_t largest_key = (std::int64_t{1} << 40) - 1;

/// Columns whose values have bounds. `kind` and `key` name the row.
struct checked_row {
  const statement& row;
  const char* kind;
  std::int64_t key;

  /// 0 … `most`.
  std::int64_t count(int column, std::int64_t most = largest_key) const;
  std::int32_t count32(int column) const {
    return static_cast<std::int32_t>(count(column, INT32_MAX));
  }
  task_state state(int column) const;
  run_state run_state_in(int column) const;
  fence fence_in(int column) const;
  /// Keys from column `first`, as many as the column after it says; at least
  /// one, unless `empty` is allowed.
  task_range range(int first, std::int64_t most, bool empty = false) const;
};

/// What the database's ids are made with.
id_space load_ids(database& db);

/// Reads a row selected with `sql::run_columns`.
run_record to_run(const statement& row);
/// Reads a row selected with `sql::parent_columns`.
parent_record to_parent(const statement& row);
/// Reads the columns `sql::segment_columns`, the first ones of a row.
task_segment read_segment(const statement& row);

std::optional<run_record> load_run(database& db, run_key run);
std::optional<parent_record> load_parent(database& db, task_key parent);

/// States or kinds as they are stored, for `IN (…)`.
template <class Code>
std::string code_list(const std::vector<Code>& codes) {
  std::string list;
  for (auto code : codes)
    list += (list.empty() ? "" : ", ") + std::to_string(static_cast<int>(code));
  return list;
}

/// Whether a stored text is JSON, and not nested deeper than ours ever is.
bool readable_json(std::string_view text);

/// The elements of a JSON array as they are written; nullopt if the text is not
/// a readable array.
std::optional<std::vector<std::string>> split_array(std::string_view array);

} // namespace conductor::sqlite
