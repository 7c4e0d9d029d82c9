#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <conductor/store.hpp>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/terminal/progress_line.hpp"

namespace orcon {

/// Shows how runs get on, on stderr: a line a parent redrawn in place on a
/// terminal, elsewhere a plain line every 10 s or 10 %.
class progress {
public:
  explicit progress(const settings& s);

  /// Draws if it is time to. The `final` state is drawn whatever the time, and
  /// stays, unless stdout is a terminal too: there a summary takes its place.
  void show(conductor::store_reader& reader,
            const std::vector<conductor::run_key>& runs, bool final);
  /// Takes the lines away, so that something else can be printed.
  void clear();
  /// Leaves the lines where they are.
  void keep();

private:
  using clock = std::chrono::steady_clock;

  std::vector<progress_line> read(conductor::store_reader& reader,
                                  const std::vector<conductor::run_key>& runs);
  void draw(const std::vector<progress_line>& lines, std::size_t width);
  void draw_plain(conductor::store_reader& reader,
                  const std::vector<conductor::run_key>& runs, bool final);
  std::string go_up(std::size_t width) const;

  bool on_;
  bool terminal_;
  bool color_;
  std::vector<std::size_t> drawn_; ///< widths of the lines on the screen
  clock::time_point started_, last_, last_look_;
  std::map<conductor::task_key, speed> speeds_; ///< by parent; 0 = the others
  int last_tenth_ = 0;
};

} // namespace orcon
