#pragma once

#include <chrono>
#include <string>

#include <conductor/records.hpp>

namespace orcon {

/// How fast something goes, without jumps: an average in which what happened
/// ten seconds ago weighs little.
class speed {
public:
  using clock = std::chrono::steady_clock;

  /// `settled` tasks there are at `now`.
  void note(clock::time_point now, std::int64_t settled);
  /// Tasks a second; 0 before there are two notes.
  double rate() const { return weight_ > 0 ? sum_ / weight_ : 0; }

private:
  clock::time_point last_{};
  std::int64_t settled_ = -1;
  double sum_ = 0, weight_ = 0;
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

/// One line for a file: percent and numbers.
std::string render_plain(const conductor::state_counts& counts, double rate);

} // namespace orcon
