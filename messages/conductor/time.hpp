#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace conductor {

using std::chrono::milliseconds;

/// A moment in UTC, in milliseconds. The epoch itself means "none".
using timestamp
  = std::chrono::time_point<std::chrono::system_clock, milliseconds>;

inline constexpr timestamp no_time{};

/// Where the engine reads the time; only the composition root supplies one.
using clock_fn = std::function<timestamp()>;

inline constexpr std::int64_t to_ms(timestamp t) {
  return t.time_since_epoch().count();
}

inline constexpr timestamp from_ms(std::int64_t ms) {
  return timestamp{milliseconds{ms}};
}

/// The wall clock of this machine.
timestamp system_now();

/// "2026-11-23T04:01:37.123Z".
std::string to_iso(timestamp t);

/// Reads what `to_iso` writes, nothing looser; nullopt otherwise.
std::optional<timestamp> parse_iso(std::string_view text);

/// Reads an ISO 8601 time in UTC as people and programs write it:
/// "2026-11-23T04:01Z", "2026-11-23T04:01:37Z", "2026-11-23T04:01:37.123Z",
/// with up to nine decimals (cut to milliseconds) and "+00:00" in place of "Z".
std::optional<timestamp> parse_utc(std::string_view text);

/// Reads "250ms", "5s", "10m", "2h" (a number of milliseconds, seconds,
/// minutes or hours; decimals allowed) or "0"; nullopt otherwise.
std::optional<milliseconds> parse_duration(std::string_view text);

/// The shortest exact form that `parse_duration` reads: "1500ms", "5m".
std::string to_text(milliseconds d);

} // namespace conductor
