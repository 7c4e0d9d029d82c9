#pragma once

#include <optional>
#include <string>
#include <vector>

#include <conductor/ids.hpp>

/// Where tasks of a name may be: the names of children are arithmetic, so that
/// rows of others need not be read.
namespace conductor::sqlite {

/// Consecutive tasks: children of one parent, or any.
struct task_block {
  task_key first = 0, end = 0;
  std::string
    prefix; ///< of their names, "hash#"; empty = take them as they are
};

/// Appends a block, or makes the last one longer.
void append(std::vector<task_block>& blocks, task_block block);

/// Goes through the tasks of blocks whose names match a pattern.
class name_walk {
public:
  name_walk(std::vector<task_block> blocks, std::string pattern, task_key from);

  /// The next range in which some match; none at the end. Others may be in it.
  std::optional<task_block> next();

private:
  bool enter(const task_block& block);
  bool matches(task_key task);

  std::vector<task_block> blocks_;
  std::string pattern_;
  std::size_t place_ = 0;
  task_key from_;
  std::int64_t wanted_;
  // Of the block that is being looked at.
  task_key base_ = 0;
  std::int64_t only_ = 0; ///< the only index that may match; 0 = any
  std::string rest_, text_;
  std::size_t fixed_ = 0; ///< of `text_`: what all names begin with
};

} // namespace conductor::sqlite
