#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <conductor/records.hpp>

#include "store/sqlite/connection/database.hpp"

/// Large texts of tasks, read in blocks rather than per task.
namespace conductor::sqlite {

/// The items of lists; reading them in order reads each row once.
class item_reader {
public:
  explicit item_reader(database& db) : db_(db) {}

  /// The item of a child, by its index (from 1). Throws if there is none.
  const std::string& item(list_key list, std::int64_t index);

private:
  database& db_;
  std::int64_t first_ = 0; ///< key of the first item in `texts_`
  std::vector<std::string> texts_;
};

/// The item that a child has without a list: from + (index - 1) * step.
std::string derived_item(std::int64_t from, std::int64_t step,
                         std::int64_t index, task_key task);

/// Fills in the outputs of tasks.
void add_outputs(database& db, std::vector<task_record>& tasks);

} // namespace conductor::sqlite
