#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <conductor/store.hpp>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/terminal/progress_line.hpp"

namespace orcon {

/// Shows how runs proceed, on stderr. On a terminal: a line for each parent
/// that has not ended and one for all, leaves that have run for long, and the
/// newest failure, redrawn in place. Elsewhere a plain line every 10 s or 10 %.
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

  /// Times and counts of what is to be drawn.
  struct picture {
    std::vector<progress_line> lines;
    std::vector<progress_note> notes;
  };

  picture read(conductor::store_reader& reader,
               const std::vector<conductor::run_key>& runs);
  void add_run(conductor::store_reader& reader, conductor::run_key run,
               std::size_t most, std::vector<progress_line>& lines);
  void add_line(conductor::task_key key, std::string name,
                const conductor::state_counts& counts,
                std::vector<progress_line>& lines);
  void look(conductor::store_reader& reader,
            const std::vector<conductor::run_key>& runs);
  void look_for_failures(conductor::store_reader& reader,
                         const std::vector<conductor::run_key>& runs);
  void draw(const picture& p, std::size_t width);
  void draw_plain(conductor::store_reader& reader,
                  const std::vector<conductor::run_key>& runs, bool final);
  std::string go_up(std::size_t width) const;

  bool on_;
  bool terminal_;
  bool color_;
  std::vector<std::size_t> drawn_; ///< widths of the lines on the screen
  clock::time_point started_, last_, last_look_;
  std::map<conductor::task_key, speed> speeds_; ///< by parent; 0 = the others
  std::vector<progress_note> slow_; ///< leaves that have run for long
  std::string newest_failure_;
  clock::time_point failed_at_{}, looked_at_{};
  std::optional<conductor::event_seq> seen_; ///< events that were looked at
  int last_tenth_ = 0;
};

} // namespace orcon
