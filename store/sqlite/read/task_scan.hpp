#pragma once

#include <string>
#include <vector>

#include <conductor/lifecycle.hpp>
#include <conductor/queries.hpp>

#include "store/sqlite/connection/database.hpp"
#include "store/sqlite/read/name_filter.hpp"
#include "store/sqlite/read/task_texts.hpp"

namespace conductor::sqlite {

/// Answers a task_query: reads segments with all that their tasks share, and
/// makes records of those that match.
class task_scan {
public:
  task_scan(database& db, const id_space& ids, const task_query& query);

  std::vector<task_record> run();

private:
  /// What the tasks of one row have in common.
  struct shared {
    task_segment segment;
    task_range block;
    timestamp created{}; ///< the time in their ids
    task_record record;  ///< all that does not depend on the key
    std::string prefix;  ///< of the names of children
    list_key items = 0;  ///< of children; 0: derived from the next two
    std::int64_t item_from = 0, item_step = 0;
  };

  void scan_by_key();
  void scan_range(task_range range);
  void scan_in_order();
  std::string select(std::string_view source) const;
  std::string conditions() const;
  std::string block_conditions() const;
  std::string select_oldest() const;
  std::string select_slowest() const;

  void take(const statement& row, task_range within);
  bool may_match(const statement& row, task_range within);
  shared read(const statement& row) const;
  void check_order(const shared& s, task_range keys, task_range within);
  void check_complete() const;
  bool of_interest(const shared& s);
  bool has_error_type(const std::string& error);
  void add(const shared& s, task_key key);

  bool full() const { return found_.size() >= query_.limit; }
  bool filters_rows() const; ///< some rows may yield no task

  database& db_;
  const id_space& ids_;
  const task_query& query_;
  name_filter names_;
  item_reader items_;
  task_key first_, last_; ///< of the keys asked for
  std::vector<task_record> found_;
  task_key next_ = 0; ///< key after the row that was read last
  task_key segment_ = 0, segment_end_ = 0; ///< that was read last; 0 = none
  std::string error_;                      ///< that was looked at last
  bool error_matches_ = false;
};

} // namespace conductor::sqlite
