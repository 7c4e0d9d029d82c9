#include <algorithm>
#include <utility>

#include "messages/definition/definition_checks.hpp"

namespace conductor {

namespace detail {

namespace {

constexpr std::size_t longest_shown = 60;

} // namespace

void error_list::add(std::string path, std::string message) {
  // A second error at one place mostly follows from the first.
  const auto known = [&](const auto& e) { return e.path == path; };
  if (full() || std::any_of(errors_.begin(), errors_.end(), known))
    return;
  errors_.push_back({std::move(path), std::move(message)});
}

std::string pointer(const std::string& base, std::string_view key) {
  auto path = base + '/';
  for (const auto c : key) {
    if (c == '~')
      path += "~0";
    else if (c == '/')
      path += "~1";
    else
      path += c;
  }
  return path;
}

std::string pointer(const std::string& base, std::size_t index) {
  return base + '/' + std::to_string(index);
}

std::string shown(const json& value) {
  // Long text is cut before it is written out, for it may be very long.
  if (value.is_structured())
    return value.is_object() ? "an object" : "a list";
  auto text = value.is_string() ? value.get_ref<const std::string&>() : "";
  if (text.size() <= longest_shown)
    return dump(value);
  auto end = longest_shown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  return dump(text.substr(0, end) + "…");
}

} // namespace detail

namespace {

/// Keys are written by strangers: a terminal must not obey them.
std::string harmless(const std::string& path) {
  std::string shown;
  for (const auto c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      const auto quoted = dump(std::string(1, c));
      shown += quoted.substr(1, quoted.size() - 2);
    } else {
      shown += c;
    }
  return shown;
}

} // namespace

std::string to_string(const definition_error& e) {
  return (e.path.empty() ? "/" : harmless(e.path)) + ": " + e.message;
}

} // namespace conductor
