#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace orcon {

/// JSON pointer to 1-based line and column.
using place_map = std::map<std::string, std::pair<int, int>>;

/// Adds a step to a JSON pointer.
void append_step(std::string& pointer, std::string_view key);

/// Remembers a place unless there are too many already; those near the root
/// are the last to be left out.
void note_place(place_map& places, const std::string& pointer,
                std::size_t depth, std::pair<int, int> place);

/// Turns byte offsets, asked for in rising order, into lines and columns.
/// Columns count characters.
class locator {
public:
  explicit locator(std::string_view text) : text_(text) {}

  std::pair<int, int> at(std::size_t offset);

private:
  std::string_view text_;
  std::size_t offset_ = 0;
  std::pair<int, int> place_{1, 1};
};

/// The places of a text that is known to be valid JSON.
place_map json_places(std::string_view text);

} // namespace orcon
