#include "store/sqlite/read/name_filter.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "store/glob.hpp"

namespace conductor::sqlite {

namespace {

/// What all texts that match begin with.
std::string_view literal_start(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of("*?["));
}

/// What all texts that match end with.
std::string_view literal_end(std::string_view pattern) {
  return pattern.substr(pattern.find_last_of("*?]") + 1);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The number that digits say; 0 if they are no index.
std::int64_t index_in(std::string_view digits) {
  std::int64_t index = 0;
  const auto* end = digits.data() + digits.size();
  const auto [rest, bad] = std::from_chars(digits.data(), end, index);
  return bad == std::errc{} && rest == end && digits[0] != '0' && index > 0
           ? index
           : 0;
}

void add(std::vector<task_range>& ranges, task_range children,
         std::int64_t first, std::int64_t last) {
  last = std::min(last, children.count);
  if (first <= last)
    ranges.push_back({children.first + first - 1, last - first + 1});
}

} // namespace

std::vector<task_range> name_filter::ranges(task_range children,
                                            std::string_view prefix) const {
  if (any())
    return {children};
  const auto start = literal_start(pattern_), end = literal_end(pattern_);
  if ((!end.empty() && !is_digit(end.back()))
      || !(start.starts_with(prefix) || prefix.starts_with(start)))
    return {};
  std::vector<task_range> found;
  if (const auto hash = end.rfind('#'); hash != std::string_view::npos) {
    if (const auto only = index_in(end.substr(hash + 1)))
      add(found, children, only, only);
    return found;
  }
  if (start.size() <= prefix.size())
    return {children};
  // All indices that begin with these digits: 12, 120 … 129, 1200 … 1299, …
  auto from = index_in(start.substr(prefix.size()));
  if (from == 0)
    return {};
  const auto one = start.size() == pattern_.size();
  for (std::int64_t width = 1; from <= children.count; width *= 10) {
    add(found, children, from, from + width - 1);
    if (one)
      break;
    from *= 10;
  }
  return found;
}

bool name_filter::matches(std::string_view name) const {
  return any() || glob_match(pattern_, name);
}

bool name_filter::matches(std::string_view prefix, std::int64_t index) {
  if (any())
    return true;
  if (rest_.empty() || prefix != prefix_) {
    // What is the same in all names need not be compared each time.
    const auto same = literal_start(pattern_).starts_with(prefix);
    prefix_ = prefix;
    rest_ = same ? pattern_.substr(prefix.size()) : pattern_;
    text_ = same ? "" : prefix_;
    fixed_ = text_.size();
  }
  std::array<char, 20> digits;
  const auto end
    = std::to_chars(digits.data(), digits.data() + digits.size(), index).ptr;
  text_.resize(fixed_);
  text_.append(digits.data(), end);
  return glob_match(rest_, text_);
}

} // namespace conductor::sqlite
