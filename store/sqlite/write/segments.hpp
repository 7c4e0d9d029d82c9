#pragma once

#include <vector>

#include <conductor/lifecycle.hpp>

#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

/// A row of `segments`.
struct segment_row {
  task_segment tasks;
  task_key block = 0;
  std::int64_t handler = 0;  ///< 0: the tasks are parents
  std::int64_t error = 0;    ///< key of their last error; 0 = none
  std::int32_t priority = 0; ///< 0 = their run's

  bool leaf() const { return handler != 0; }
};

/// Reads a row that was selected with the columns of the statements in
/// sql.hpp. Throws `store_error` (corrupt) if its values cannot be.
segment_row to_segment(const statement& row);

/// The rows that hold tasks of a range, in order.
std::vector<segment_row> touched_segments(database& db, task_range tasks);

void insert_segment(database& db, const segment_row& row);
/// Writes a row back whose first task is as before.
void update_segment(database& db, const segment_row& row);
/// Puts `pieces` in the place of all rows from `first` to `last`.
void replace_segments(database& db, task_key first, task_key last,
                      const std::vector<segment_row>& pieces);

} // namespace conductor::sqlite
