#include "store/sqlite/verify/payload_text.hpp"

#include <charconv>

namespace conductor::sqlite {

namespace {

/// The end of a string whose opening quote is at `at`, or npos.
std::size_t end_of_string(std::string_view text, std::size_t at) {
  for (auto i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return std::string_view::npos;
}

} // namespace

std::string_view first_value(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = text[i];
    if (c == '"') {
      i = end_of_string(text, i);
      if (i == std::string_view::npos)
        return {};
      if (depth == 0)
        return text.substr(0, i);
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth <= 1)
        return text.substr(0, depth == 0 ? i : i + 1);
      --depth;
    } else if (c == ',' && depth == 0) {
      return text.substr(0, i);
    }
    ++i;
  }
  return depth == 0 ? text : std::string_view{};
}

std::string_view member_text(std::string_view object, std::string_view name) {
  std::size_t at = 1; // after the brace
  while (at < object.size() && object[at] == '"') {
    const auto end = end_of_string(object, at);
    if (end == std::string_view::npos || end >= object.size())
      return {};
    const auto key = object.substr(at + 1, end - at - 2);
    const auto value = first_value(object.substr(end + 1));
    if (key == name)
      return value;
    at = end + 1 + value.size() + 1; // colon and comma
  }
  return {};
}

std::optional<std::int64_t> member_number(std::string_view object,
                                          std::string_view name) {
  const auto text = member_text(object, name);
  std::int64_t value = 0;
  const auto [end, bad]
    = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || bad != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

} // namespace conductor::sqlite
