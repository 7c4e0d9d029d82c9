#include <conductor/stored_json.hpp>

#include <algorithm>

namespace conductor {

namespace {

/// How deep arrays and objects are nested; brackets in strings do not count.
/// Of a text that is not JSON it may be any number.
int nesting_of(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    } else {
      in_string = c == '"';
    }
  }
  return deepest;
}

} // namespace

template <class Json>
Json parse_stored(std::string_view text) {
  if (nesting_of(text) > json_limits{}.depth)
    return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

template json parse_stored<json>(std::string_view);
template ordered_json parse_stored<ordered_json>(std::string_view);

} // namespace conductor
