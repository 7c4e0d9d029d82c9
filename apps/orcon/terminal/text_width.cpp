#include "apps/orcon/terminal/text_width.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace orcon {

namespace {

using range = std::pair<std::uint32_t, std::uint32_t>;

constexpr std::array<range, 5> of_no_width{{{0x0300, 0x036F},
                                            {0x200B, 0x200D},
                                            {0x20D0, 0x20F0},
                                            {0xFE00, 0xFE0F},
                                            {0xE0100, 0xE01EF}}};

constexpr std::array<range, 10> of_double_width{{{0x1100, 0x115F},
                                                 {0x2E80, 0xA4CF},
                                                 {0xAC00, 0xD7A3},
                                                 {0xF900, 0xFAFF},
                                                 {0xFE30, 0xFE6F},
                                                 {0xFF00, 0xFF60},
                                                 {0xFFE0, 0xFFE6},
                                                 {0x1F300, 0x1F64F},
                                                 {0x1F680, 0x1F9FF},
                                                 {0x20000, 0x3FFFD}}};

template <class Ranges>
bool in(const Ranges& ranges, std::uint32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](const range& r) {
    return c >= r.first && c <= r.second;
  });
}

/// Characters that set the direction of the text after them.
constexpr std::array<range, 4> of_direction{
  {{0x061C, 0x061C}, {0x200E, 0x200F}, {0x202A, 0x202E}, {0x2066, 0x2069}}};

std::size_t width_of(std::uint32_t c) {
  return in(of_no_width, c) ? 0 : in(of_double_width, c) ? 2 : 1;
}

/// Whether the character commands a terminal instead of being shown.
bool is_control(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || in(of_direction, c);
}

/// Takes one character off the front: its bytes and its number. Bytes that are
/// not UTF-8 count one by one.
std::pair<std::string_view, std::uint32_t> take(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  std::size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  length = std::min(length, text.size());
  std::uint32_t c = length == 1 ? lead : lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i)
    c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  const std::pair taken{text.substr(0, length), c};
  text.remove_prefix(length);
  return taken;
}

} // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty())
    width += width_of(take(text).second);
  return width;
}

std::string shorten(std::string_view text, std::size_t width) {
  auto line = text.substr(0, text.find('\n'));
  const auto cut = line.size() < text.size() || display_width(line) > width;
  const auto room = cut && width > 0 ? width - 1 : width;
  std::string out;
  std::size_t used = 0;
  while (!line.empty()) {
    const auto [bytes, c] = take(line);
    used += width_of(c);
    if (used > room)
      break;
    out += is_control(c) ? " " : std::string{bytes};
  }
  return cut && width > 0 ? out + "…" : out;
}

std::string padded(std::string text, std::size_t width) {
  const auto used = display_width(text);
  if (used < width)
    text.append(width - used, ' ');
  return text;
}

} // namespace orcon
