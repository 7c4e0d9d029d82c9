#include "apps/orcon/definition/yaml_text.hpp"

#include <algorithm>

namespace orcon {

namespace {

constexpr std::string_view blank = " \t\r\n";

/// Tags, anchors and comments come before the scalar itself.
std::size_t scalar_start(std::string_view text, std::size_t at) {
  while ((at = text.find_first_not_of(blank, at)) != std::string_view::npos) {
    if (text[at] == '#')
      at = text.find('\n', at);
    else if (text[at] == '&' || text[at] == '!')
      at = text.find_first_of(blank, at);
    else
      break;
  }
  return at;
}

} // namespace

std::size_t control_character(std::string_view text) {
  const auto bad = [](char c) {
    return (c >= 0 && c < 0x20 && c != '\t' && c != '\n' && c != '\r')
           || c == 0x7F;
  };
  const auto found = std::find_if(text.begin(), text.end(), bad);
  return static_cast<std::size_t>(found - text.begin());
}

bool quote_ends(std::string_view text, std::size_t offset) {
  auto at = scalar_start(text, offset);
  if (at == std::string_view::npos || (text[at] != '\'' && text[at] != '"'))
    return true;
  const auto quote = text[at];
  for (++at; at < text.size(); ++at) {
    const auto doubled = quote == '\'' && at + 1 < text.size()
                         && text[at] == quote && text[at + 1] == quote;
    if (doubled || (quote == '"' && text[at] == '\\'))
      ++at;
    else if (text[at] == quote)
      return true;
  }
  return false;
}

bool indented_by_tab(std::string_view text, std::size_t offset) {
  const auto line = text.substr(0, offset).rfind('\n') + 1;
  return text.find('\t', line) < text.find_first_not_of(" \t", line);
}

} // namespace orcon
