#include "apps/orcon/definition/yaml_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <optional>

namespace orcon {

using conductor::json;

namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && digit(text[at + count]))
    ++count;
  return count;
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+'))
    text.remove_prefix(1);
  return text;
}

/// (\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  const auto whole = digits_at(text, 0);
  auto at = whole;
  if (at < text.size() && text[at] == '.') {
    const auto fraction = digits_at(text, at + 1);
    if (whole == 0 && fraction == 0)
      return false;
    at += 1 + fraction;
  } else if (whole == 0) {
    return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+'))
      ++at;
    const auto exponent = digits_at(text, at);
    if (exponent == 0)
      return false;
    at += exponent;
  }
  return at == text.size();
}

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [rest, trouble] = std::from_chars(text.data(), end, value, base);
  if (trouble != std::errc{} || rest != end)
    return std::nullopt;
  return value;
}

std::optional<double> float_number(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, trouble] = std::from_chars(text.data(), end, value);
  if (trouble != std::errc{} || rest != end)
    return std::nullopt;
  return value;
}

conductor::result<json> out_of_range(const std::string& text) {
  return conductor::fail(conductor::errc::invalid, "the number "
                                                     + text.substr(0, 40)
                                                     + " is out of range");
}

bool one_of(std::string_view text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text == word; });
}

/// 0o17 and 0x1F, which take no sign.
std::optional<int> base_of(std::string_view text) {
  if (text.size() < 3 || text[0] != '0' || (text[1] != 'o' && text[1] != 'x'))
    return std::nullopt;
  const auto hex = text[1] == 'x';
  const auto good = [&](char c) {
    return hex ? digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')
               : c >= '0' && c <= '7';
  };
  text.remove_prefix(2);
  if (!std::all_of(text.begin(), text.end(), good))
    return std::nullopt;
  return hex ? 16 : 8;
}

} // namespace

conductor::result<json> core_scalar(const std::string& text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"}))
    return json(nullptr);
  if (one_of(text, {"true", "True", "TRUE"}))
    return json(true);
  if (one_of(text, {"false", "False", "FALSE"}))
    return json(false);
  if (const auto base = base_of(text)) {
    if (const auto n = number<std::uint64_t>(text.substr(2), *base))
      return json(*n);
    return out_of_range(text);
  }
  const auto size = without_sign(text);
  if (one_of(size, {".inf", ".Inf", ".INF"})
      || one_of(text, {".nan", ".NaN", ".NAN"}))
    return out_of_range(text);
  if (!looks_like_float(size))
    return json(text);
  const auto plain = text[0] == '+' ? size : std::string_view{text};
  if (digits_at(size, 0) == size.size()) {
    if (const auto n = number<std::uint64_t>(plain))
      return json(*n);
    if (const auto n = number<std::int64_t>(plain))
      return json(*n);
    return out_of_range(text); // a float would be another number
  }
  if (const auto d = float_number(plain))
    return json(*d);
  return out_of_range(text);
}

conductor::result<json> tagged_scalar(const std::string& tag,
                                      const std::string& text) {
  const auto core = std::string{core_tags};
  if (tag == "!" || tag == core + "str")
    return json(text);
  auto value = core_scalar(text);
  if (!value || tag.empty() || tag == "?")
    return value;
  if ((tag == core + "null" && value->is_null())
      || (tag == core + "bool" && value->is_boolean())
      || (tag == core + "int" && value->is_number_integer()))
    return value;
  if (tag == core + "float" && value->is_number())
    return json(value->get<double>());
  return conductor::fail(conductor::errc::invalid,
                         "this is not a value of the type " + tag);
}

} // namespace orcon
