#include <charconv>
#include <cmath>

#include "messages/definition/definition_reader.hpp"
#include "messages/definition/nearest_name.hpp"

namespace conductor::detail {

namespace {

/// Floats beyond this have gaps between whole numbers.
constexpr double exact_floats = 9007199254740992.0;

std::optional<std::int64_t> whole_number(const json& value) {
  if (value.is_number_unsigned()) {
    const auto n = value.get<std::uint64_t>();
    if (n > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
      return std::nullopt;
    return static_cast<std::int64_t>(n);
  }
  if (value.is_number_integer())
    return value.get<std::int64_t>();
  if (value.is_number_float()) {
    // JSON Schema counts 3.0 as an integer.
    const auto d = value.get<double>();
    if (std::abs(d) <= exact_floats && std::trunc(d) == d)
      return static_cast<std::int64_t>(d);
  }
  return std::nullopt;
}

std::string bounds(const std::string& least, const std::string& most,
                   bool bounded) {
  return bounded ? "must be between " + least + " and " + most
                 : "must be " + least + " or more";
}

/// "5%", "0.5%", "100%".
std::optional<double> percentage(std::string_view text) {
  if (text.size() < 2 || text.back() != '%')
    return std::nullopt;
  text.remove_suffix(1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto good = [&](char c) { return digit(c) || c == '.'; };
  if (!digit(text.front()) || !digit(text.back())
      || !std::all_of(text.begin(), text.end(), good))
    return std::nullopt;
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, trouble]
    = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (trouble != std::errc{} || rest != end || value > 100)
    return std::nullopt;
  return value;
}

} // namespace

bool require_object(const place& at) {
  if (!at.value.is_object())
    at.refuse("must be an object, not " + shown(at.value));
  return at.value.is_object();
}

bool require_list(const place& at) {
  if (!at.value.is_array())
    at.refuse("must be a list, not " + shown(at.value));
  return at.value.is_array();
}

std::optional<std::string> read_text(const place& at) {
  if (!at.value.is_string()) {
    at.refuse("must be text, not " + shown(at.value));
    return std::nullopt;
  }
  const auto& text = at.value.get_ref<const std::string&>();
  if (text.empty()) {
    at.refuse("must not be empty");
    return std::nullopt;
  }
  return text;
}

std::optional<std::string> read_label(const place& at) {
  auto text = read_text(at);
  if (!text)
    return text;
  auto trouble = label_trouble(*text, at.in.context.max_name);
  if (trouble.empty())
    return text;
  at.refuse(std::move(trouble));
  return std::nullopt;
}

std::optional<std::int64_t> read_integer(const place& at, std::int64_t least,
                                         std::int64_t most) {
  const auto n = whole_number(at.value);
  const auto bounded = most != std::numeric_limits<std::int64_t>::max();
  if (!n)
    at.refuse((at.value.is_number_integer()
                 ? shown(at.value) + " is too large for"
                 : shown(at.value) + " is not")
              + " a whole number");
  else if (*n < least || *n > most)
    at.refuse(bounds(std::to_string(least), std::to_string(most), bounded)
              + ", not " + std::to_string(*n));
  return n && *n >= least && *n <= most ? n : std::nullopt;
}

std::optional<double> read_number(const place& at, double least, double most) {
  if (!at.value.is_number()) {
    at.refuse("must be a number, not " + shown(at.value));
    return std::nullopt;
  }
  const auto n = at.value.get<double>();
  if (n >= least && n <= most)
    return n;
  at.refuse(bounds(shown(least), shown(most), true) + ", not "
            + shown(at.value));
  return std::nullopt;
}

std::optional<milliseconds> read_duration(const place& at) {
  std::optional<milliseconds> d;
  if (at.value.is_string())
    d = parse_duration(at.value.get_ref<const std::string&>());
  else if (at.value.is_number() && at.value == 0)
    d = milliseconds{0};
  if (!d)
    at.refuse(shown(at.value)
              + " is not a duration (write 250ms, 5s, 10m or 2h)");
  return d;
}

std::optional<moment> read_moment(const place& at) {
  if (at.value.is_string()) {
    const auto& text = at.value.get_ref<const std::string&>();
    if (const auto delay = parse_duration(text))
      return moment{.delay = *delay};
    // The epoch means "none"; what was due by then is due in any case.
    if (const auto time = parse_utc(text))
      return moment{.at = std::max(*time, from_ms(1))};
  } else if (at.value.is_number() && at.value == 0) {
    return moment{};
  }
  at.refuse(shown(at.value)
            + " is neither a duration nor a time in UTC (write 10m or "
              "2026-11-24T18:00:00Z)");
  return std::nullopt;
}

std::optional<count_or_percent> read_share(const place& at) {
  if (const auto n = whole_number(at.value); n && *n >= 0)
    return count_or_percent{*n, 0};
  if (at.value.is_string())
    if (const auto p = percentage(at.value.get_ref<const std::string&>()))
      return count_or_percent{0, *p};
  at.refuse(shown(at.value)
            + " is neither a count nor a share (write 10 or \"5%\")");
  return std::nullopt;
}

std::string unknown_field(std::string_view name,
                          const std::vector<std::string_view>& known) {
  const auto nearest = nearest_name(name, known);
  auto message = "unknown field " + shown(std::string{name});
  if (!nearest.empty())
    message += "; did you mean \"" + std::string{nearest} + "\"?";
  return message;
}

} // namespace conductor::detail
