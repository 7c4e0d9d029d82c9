#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <string>

#include <conductor/records.hpp>

namespace orcon {

/// How fast something goes, without jumps: over the last ten seconds, or over a
/// longer time where little has settled in those.
class speed {
public:
  using clock = std::chrono::steady_clock;

  /// The times over which it is measured, one after the other until `enough`
  /// tasks have settled.
  static constexpr std::array<conductor::milliseconds, 3> windows{
    {std::chrono::seconds{10}, std::chrono::minutes{1},
     std::chrono::minutes{10}}};
  static constexpr std::int64_t enough = 5;

  /// `settled` tasks there are at `now`.
  void note(clock::time_point now, std::int64_t settled);
  /// Tasks per second; 0 before there are two notes.
  double rate() const;

private:
  struct sample {
    clock::time_point at;
    std::int64_t settled;
  };
  std::deque<sample> samples_; ///< dense for ten seconds, then thinned out
};

/// How far one parent is.
struct progress_line {
  std::string name;
  conductor::state_counts counts;
  double rate = 0;
};

/// One line of at most `width` - 1 columns for a terminal: name, bar, percent,
/// numbers. The narrower it is, the less it tells, failures last.
std::string render(const progress_line& line, std::size_t width, bool color);

/// A line of text below the bars, at most `width` - 1 columns.
struct progress_note {
  std::string text;
  bool alarming = false; ///< painted yellow
};
std::string render(const progress_note& note, std::size_t width, bool color);

/// One line for a file: percent and numbers.
std::string render_plain(const conductor::state_counts& counts, double rate);

} // namespace orcon
