#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <conductor/records.hpp>

namespace conductor::sqlite {

/// Names of children are a prefix and an index, "hash#12", so that a pattern
/// tells which children to look at without their names being made.
class name_filter {
public:
  explicit name_filter(std::string pattern) : pattern_(std::move(pattern)) {}

  bool any() const { return pattern_.empty(); }
  /// Where names that match may be among children of a block whose names begin
  /// with `prefix`: ranges of keys, ascending.
  std::vector<task_range> ranges(task_range children,
                                 std::string_view prefix) const;
  /// Whether a name matches.
  bool matches(std::string_view name) const;
  /// The same of a child's.
  bool matches(std::string_view prefix, std::int64_t index);

private:
  std::string pattern_;
  // Of the prefix that was asked for last.
  std::string prefix_, rest_, text_;
  std::size_t fixed_ = 0; ///< of `text_`: what all names begin with
};

} // namespace conductor::sqlite
