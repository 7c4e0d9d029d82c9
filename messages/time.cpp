#include <conductor/time.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace conductor {

using namespace std::chrono;

timestamp system_now() {
  return time_point_cast<milliseconds>(system_clock::now());
}

std::string to_iso(timestamp t) {
  const auto day = floor<days>(t);
  const year_month_day date{day};
  const hh_mm_ss clock{t - day};
  std::array<char, 40> text{};
  const auto length = std::snprintf(
    text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
    static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
    static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
    static_cast<int>(clock.minutes().count()),
    static_cast<int>(clock.seconds().count()),
    static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

namespace {

std::optional<int> digits(std::string_view text, std::size_t at,
                          std::size_t count) {
  int value = 0;
  for (auto c : text.substr(at, count)) {
    if (c < '0' || c > '9')
      return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

} // namespace

std::optional<timestamp> parse_iso(std::string_view text) {
  static constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";
  if (text.size() != shape.size())
    return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != '0' && text[i] != shape[i])
      return std::nullopt;
  const auto y = digits(text, 0, 4), mo = digits(text, 5, 2),
             d = digits(text, 8, 2), h = digits(text, 11, 2),
             mi = digits(text, 14, 2), s = digits(text, 17, 2),
             ms = digits(text, 20, 3);
  if (!y || !mo || !d || !h || !mi || !s || !ms)
    return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *h > 23 || *mi > 59 || *s > 59)
    return std::nullopt;
  return timestamp{sys_days{date}} + hours{*h} + minutes{*mi} + seconds{*s}
         + milliseconds{*ms};
}

std::optional<timestamp> parse_utc(std::string_view text) {
  constexpr std::size_t to_minutes = 16, to_seconds = 19, most_decimals = 9;
  const auto zone = text.ends_with("Z")        ? 1u
                    : text.ends_with("+00:00") ? 6u
                                               : 0;
  if (zone == 0)
    return std::nullopt;
  std::string full{text.substr(0, text.size() - zone)};
  if (full.size() == to_minutes)
    full += ":00";
  if (full.size() == to_seconds)
    full += ".0";
  if (full.size() < to_seconds + 2
      || full.size() > to_seconds + 1 + most_decimals
      || !digits(full, to_seconds + 1, most_decimals))
    return std::nullopt;
  full.resize(to_seconds + 4, '0');
  return parse_iso(full + 'Z');
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text == "0")
    return milliseconds{0};
  // The JSON Schema's pattern: digits, and digits on both sides of a point.
  // from_chars alone would also take "-0s", ".5s" and "5.s".
  constexpr std::string_view digit = "0123456789";
  const auto point = std::min(text.find_first_not_of(digit), text.size());
  auto unit_at = point;
  if (text.substr(point, 1) == ".") {
    unit_at = std::min(text.find_first_not_of(digit, point + 1), text.size());
    if (unit_at == point + 1)
      return std::nullopt;
  }
  double number = 0;
  const auto [rest, trouble] = std::from_chars(
    text.data(), text.data() + unit_at, number, std::chars_format::fixed);
  if (point == 0 || trouble != std::errc{} || !std::isfinite(number))
    return std::nullopt;
  const auto unit = text.substr(unit_at);
  double factor = 0;
  if (unit == "ms")
    factor = 1;
  else if (unit == "s")
    factor = 1000;
  else if (unit == "m")
    factor = 60'000;
  else if (unit == "h")
    factor = 3'600'000;
  else
    return std::nullopt;
  const auto ms = number * factor;
  // A century; beyond it arithmetic on time points would overflow.
  if (ms > 100.0 * 366 * 24 * 3'600'000)
    return std::nullopt;
  // What is less than the clock can tell is still not nothing.
  return milliseconds{ms > 0 ? std::max(std::llround(ms), 1LL) : 0};
}

std::string to_text(milliseconds d) {
  const auto ms = d.count();
  if (ms != 0 && ms % 3'600'000 == 0)
    return std::to_string(ms / 3'600'000) + "h";
  if (ms != 0 && ms % 60'000 == 0)
    return std::to_string(ms / 60'000) + "m";
  if (ms % 1000 == 0)
    return std::to_string(ms / 1000) + "s";
  return std::to_string(ms) + "ms";
}

} // namespace conductor
