#pragma once

#include <optional>
#include <vector>

#include <conductor/queries.hpp>

#include "store/sqlite/connection/database.hpp"
#include "store/sqlite/read/name_filter.hpp"

namespace conductor::sqlite {

/// Where the tasks are that a filter asks for: ranges of keys, ascending. Not
/// all tasks of a range match; those outside of the ranges do not.
class task_ranges {
public:
  /// Looks at keys first … last.
  task_ranges(database& db, const task_filter& filter, task_key first,
              task_key last);

  /// The next range; none at the end.
  std::optional<task_range> next();

private:
  void load_blocks();
  void add_block(const statement& row);

  database& db_;
  const task_filter& filter_;
  name_filter names_;
  std::string query_; ///< empty: blocks do not matter
  task_key first_, last_;
  task_key next_block_;
  task_key covered_ = 0; ///< end of the block that was read last
  bool more_ = true;
  std::vector<task_range> found_; ///< of the page of blocks that was read last
  std::size_t place_ = 0;
};

} // namespace conductor::sqlite
