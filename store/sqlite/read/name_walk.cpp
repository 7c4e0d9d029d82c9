#include "store/sqlite/read/name_walk.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "store/texts.hpp"

namespace conductor::sqlite {

namespace {

constexpr std::int64_t first_wanted = 256; ///< matches of the first range
constexpr std::int64_t gap = 64; ///< reading so many rows is as quick as
                                 ///< leaving them out

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

} // namespace

void append(std::vector<task_block>& blocks, task_block block) {
  if (!blocks.empty() && blocks.back().end == block.first
      && blocks.back().prefix.empty() && block.prefix.empty())
    blocks.back().end = block.end;
  else
    blocks.push_back(std::move(block));
}

name_walk::name_walk(std::vector<task_block> blocks, std::string pattern,
                     task_key from)
  : blocks_(std::move(blocks)), pattern_(std::move(pattern)), from_(from),
    wanted_(first_wanted) {}

/// Whether names of the block can match at all.
bool name_walk::enter(const task_block& block) {
  const auto start = literal_start(pattern_), end = literal_end(pattern_);
  if ((!end.empty() && !is_digit(end.back()))
      || !(start.starts_with(block.prefix)
           || std::string_view{block.prefix}.starts_with(start)))
    return false;
  base_ = block.first;
  only_ = 0;
  if (const auto hash = end.rfind('#'); hash != std::string_view::npos)
    std::from_chars(end.data() + hash + 1, end.data() + end.size(), only_);
  // What is the same in all names need not be compared each time.
  const auto same = start.starts_with(block.prefix);
  rest_ = same ? pattern_.substr(block.prefix.size()) : pattern_;
  text_ = same ? "" : block.prefix;
  fixed_ = text_.size();
  return true;
}

bool name_walk::matches(task_key task) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 task - base_ + 1)
                     .ptr;
  text_.resize(fixed_);
  text_.append(digits.data(), end);
  return glob_match(rest_, text_);
}

std::optional<task_block> name_walk::next() {
  for (; place_ < blocks_.size(); ++place_) {
    const auto& block = blocks_[place_];
    auto task = std::max(from_, block.first);
    if (task >= block.end)
      continue;
    if (block.prefix.empty() || pattern_.empty()) {
      from_ = block.end;
      return task_block{task, block.end, {}};
    }
    if (!enter(block))
      continue;
    if (only_ > 0)
      task = std::max(task, block.first + only_ - 1);
    while (task < block.end && !matches(task))
      task = only_ > 0 ? block.end : task + 1;
    if (task >= block.end)
      continue;
    task_block found{task, task + 1, {}};
    for (std::int64_t n = 1;
         ++task < block.end && task - found.end < gap && n < wanted_;)
      if (matches(task)) {
        found.end = task + 1;
        ++n;
      }
    from_ = found.end;
    wanted_ *= 2;
    return found;
  }
  return std::nullopt;
}

} // namespace conductor::sqlite
