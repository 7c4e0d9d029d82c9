#include "apps/orcon/terminal/table.hpp"

#include <algorithm>
#include <numeric>

#include "apps/orcon/terminal/output.hpp"

namespace orcon {

namespace {

constexpr std::size_t widest_cell = 60;
constexpr std::size_t narrowest_cell = 10;
constexpr std::size_t gap = 2;
constexpr std::size_t fewest_columns = 3;

struct column {
  std::string key, head;
  std::size_t width = 0;
  bool fixed = false; ///< is never cut
};

using lines = std::vector<std::vector<std::string>>;

std::string in_capitals(std::string name) {
  for (auto& c : name)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

bool never_cut(const std::string& key) {
  return key == "state" || key == "id" || key == "at" || key.ends_with("_id")
         || key.ends_with("_at");
}

std::size_t width_of(const std::vector<column>& columns) {
  return std::accumulate(
    columns.begin(), columns.end(), gap * (columns.size() - 1),
    [](std::size_t sum, const column& c) { return sum + c.width; });
}

/// Takes from the widest text, a column at a time, until all fits.
bool squeeze(std::vector<column>& columns, std::size_t width) {
  while (width_of(columns) > width) {
    column* widest = nullptr;
    for (auto& c : columns)
      if (!c.fixed && c.width > narrowest_cell
          && (!widest || c.width > widest->width))
        widest = &c;
    if (!widest)
      return false;
    --widest->width;
  }
  return true;
}

/// Makes the columns fit, as many of them as there is room for.
bool fit(std::vector<column>& columns, std::size_t width) {
  const auto fewest = std::min(fewest_columns, columns.size());
  for (auto some = columns; some.size() >= fewest; some.pop_back())
    if (auto squeezed = some; squeeze(squeezed, width)) {
      columns = squeezed;
      return true;
    }
  return false;
}

std::string as_lines(const std::vector<column>& columns, const lines& cells,
                     bool color) {
  std::string text;
  for (std::size_t row = 0; row <= cells.size(); ++row) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& c = columns[i];
      const auto head = row == 0;
      auto one = shorten(head ? c.head : cells[row - 1][i], c.width);
      if (i + 1 < columns.size())
        one = padded(std::move(one), c.width + gap);
      text += c.key == "state" && !head ? paint_state(one, color) : one;
    }
    text += '\n';
  }
  return text;
}

std::string as_blocks(const std::vector<column>& columns, const lines& cells,
                      const table_look& look) {
  std::size_t head = 0;
  for (const auto& c : columns)
    head = std::max(head, display_width(c.head));
  const auto room
    = std::max(look.width, head + gap + narrowest_cell) - head - gap;
  std::string text;
  for (const auto& row : cells) {
    text += text.empty() ? "" : "\n";
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& c = columns[i];
      const auto one = c.fixed ? row[i] : shorten(row[i], room);
      text += padded(c.head, head + gap)
              + (c.key == "state" ? paint_state(one, look.color) : one) + '\n';
    }
  }
  return text;
}

} // namespace

std::string cell(const conductor::ordered_json& value) {
  using json = conductor::ordered_json;
  if (value.is_null())
    return "-";
  if (value.is_string())
    return value.get<std::string>();
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string table_text(const std::vector<std::string>& columns,
                       const std::vector<conductor::ordered_json>& rows,
                       const table_look& look) {
  std::vector<column> shape;
  for (const auto& key : columns) {
    auto head = in_capitals(key);
    const auto width = display_width(head);
    shape.push_back({key, std::move(head), width, never_cut(key)});
  }
  const auto widest = std::max(look.width, widest_cell);
  lines cells;
  for (const auto& row : rows) {
    auto& line = cells.emplace_back();
    for (auto& c : shape) {
      const auto found = row.find(c.key);
      line.push_back(found == row.end() ? "-" : shorten(cell(*found), widest));
      c.fixed = c.fixed || (found != row.end() && found->is_number());
      c.width = std::max(c.width, display_width(line.back()));
    }
  }
  if (look.width > 0 && !rows.empty() && !fit(shape, look.width))
    return as_blocks(shape, cells, look);
  return as_lines(shape, cells, look.color);
}

} // namespace orcon
