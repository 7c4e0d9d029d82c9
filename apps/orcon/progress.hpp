#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <conductor/store.hpp>

#include "apps/orcon/cli.hpp"

namespace orcon {

/// Shows how runs get on, on stderr: a line a parent redrawn in place on a
/// terminal, elsewhere a plain line every 10 s or 10 %.
class progress {
public:
  explicit progress(const settings& s);

  /// Draws if it is time to; `final` draws the last state and ends the line.
  void show(conductor::store_reader& reader,
            const std::vector<conductor::run_key>& runs, bool final);
  /// Takes the lines away, so that something else can be printed.
  void clear();

private:
  using clock = std::chrono::steady_clock;
  struct line {
    std::string name;
    conductor::state_counts counts;
  };

  std::vector<line> read(conductor::store_reader& reader,
                         const std::vector<conductor::run_key>& runs);
  void draw(const std::vector<line>& lines);
  void draw_plain(const conductor::state_counts& all, bool final);
  std::string render(const line& l, double rate, unsigned width) const;

  bool on_;
  bool terminal_;
  bool color_;
  std::size_t drawn_ = 0; ///< lines on the screen
  clock::time_point started_, last_;
  std::int64_t base_ = -1; ///< settled when we began
  int last_tenth_ = 0;
};

} // namespace orcon
