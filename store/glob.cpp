#include "store/glob.hpp"

namespace conductor {

namespace {

/// Takes one character of UTF-8; a broken byte counts as a character.
char32_t take(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  text.remove_prefix(1);
  if (lead < 0xC0)
    return lead;
  char32_t c = lead & (lead < 0xE0 ? 0x1Fu : lead < 0xF0 ? 0x0Fu : 0x07u);
  while (!text.empty()
         && (static_cast<unsigned char>(text[0]) & 0xC0) == 0x80) {
    c = c << 6 | (static_cast<unsigned char>(text[0]) & 0x3Fu);
    text.remove_prefix(1);
  }
  return c;
}

/// Matches `c` with the set at the start of `pattern` (after its bracket) and
/// takes the set off; a set without an end matches nothing.
bool match_set(std::string_view& pattern, char32_t c) {
  const bool inverted = pattern.starts_with('^');
  if (inverted)
    pattern.remove_prefix(1);
  bool seen = false, first = true;
  char32_t previous = 0; // 0: no character that a range could start from
  while (!pattern.empty()) {
    const auto p = take(pattern);
    if (p == U']' && !first)
      return seen != inverted;
    first = false;
    if (p == U'-' && previous && !pattern.empty() && pattern[0] != ']') {
      seen |= c >= previous && c <= take(pattern);
      previous = 0;
      continue;
    }
    seen |= c == p;
    previous = p == U']' ? 0 : p;
  }
  return false;
}

bool match_star(std::string_view pattern, std::string_view text) {
  for (;; take(text)) {
    if (glob_match(pattern, text))
      return true;
    if (text.empty())
      return false;
  }
}

} // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    const auto p = take(pattern);
    if (p == U'*') {
      while (pattern.starts_with('*'))
        pattern.remove_prefix(1);
      return pattern.empty() || match_star(pattern, text);
    }
    if (text.empty())
      return false;
    const auto c = take(text);
    if (p == U'[' ? !match_set(pattern, c) : p != U'?' && c != p)
      return false;
  }
  return text.empty();
}

bool is_named(event_kind kind, std::string_view wanted) {
  const std::string_view name = to_string(kind);
  return !name.empty()
         && (name.starts_with(wanted) || glob_match(wanted, name));
}

} // namespace conductor
