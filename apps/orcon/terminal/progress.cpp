#include "apps/orcon/terminal/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

constexpr auto redraw_every = 100ms;
constexpr auto look_every = 500ms;
constexpr auto plain_every = 10s;
constexpr auto too_short_to_tell = 1s;
constexpr std::size_t most_lines = 8;

/// What is left of the counts without a part of them. The part was read a
/// moment later, so it may be a little ahead.
state_counts without(state_counts all, const state_counts& part) {
  for (auto count :
       {&state_counts::unborn, &state_counts::pending, &state_counts::running,
        &state_counts::retrying, &state_counts::succeeded,
        &state_counts::failed, &state_counts::cancelled})
    all.*count = std::max<std::int64_t>(0, all.*count - part.*count);
  return all;
}

} // namespace

progress::progress(const settings& s)
  : on_(!s.quiet), terminal_(is_screen(STDERR_FILENO)),
    color_(use_color(s, STDERR_FILENO)), started_(clock::now()),
    last_(started_ - 1h) {
  if (!terminal_)
    last_ = started_; // the first plain line comes after ten seconds
}

std::vector<progress_line> progress::read(store_reader& reader,
                                          const std::vector<run_key>& runs) {
  const auto now = clock::now();
  const auto rows = terminal_height(STDERR_FILENO);
  // One line is for what has no line of its own, one for the cursor.
  const auto parents = std::clamp<std::size_t>(rows, 3, most_lines + 2) - 2;
  std::vector<progress_line> lines;
  state_counts all, shown;
  const auto add = [&](task_key key, std::string name, const state_counts& c) {
    speeds_[key].note(now, c.settled());
    lines.push_back({std::move(name), c, speeds_[key].rate()});
  };
  for (auto run : runs) {
    all += reader.count_leaves(run);
    for (const auto& f : reader.list_fanouts(run)) {
      if (lines.size() == parents)
        break;
      const auto origin = reader.load_origin(f.task);
      add(f.task, origin ? origin->spec.name : "?", f.children);
      shown += f.children;
    }
  }
  if (all.total() > shown.total())
    add(0, lines.empty() ? "tasks" : "others", without(all, shown));
  return lines;
}

void progress::show(store_reader& reader, const std::vector<run_key>& runs,
                    bool final) {
  if (!on_)
    return;
  if (!terminal_)
    return draw_plain(reader, runs, final);
  const auto now = clock::now();
  if (!final && now - last_ < redraw_every)
    return;
  if (final && ::isatty(STDOUT_FILENO) == 1)
    return clear();
  // Asked each time: windows change their size.
  draw(read(reader, runs), terminal_width(STDERR_FILENO));
  last_ = now;
  if (final)
    keep();
}

void progress::draw_plain(store_reader& reader,
                          const std::vector<run_key>& runs, bool final) {
  const auto now = clock::now();
  auto& pace = speeds_[0];
  if (now - started_ < too_short_to_tell
      || (!final && now - last_look_ < look_every))
    return;
  last_look_ = now;
  state_counts all;
  for (auto run : runs)
    all += reader.count_leaves(run);
  pace.note(now, all.settled());
  const auto tenth = all.total() == 0
                       ? 10
                       : static_cast<int>(all.settled() * 10 / all.total());
  // The last line is due once, whether or not it is a tenth.
  if (tenth == last_tenth_ && (tenth == 10 || !final)
      && now - last_ < plain_every)
    return;
  last_tenth_ = tenth;
  last_ = now;
  tell("orcon: {}\n", render_plain(all, pace.rate()));
}

std::string progress::go_up(std::size_t width) const {
  // A line that was drawn on a wider screen takes several rows by now.
  std::size_t rows = 0;
  for (auto used : drawn_)
    rows += std::max<std::size_t>(1, (used + width - 1) / width);
  return rows > 0 ? fmt::format("\x1b[{}F", rows) : "";
}

void progress::draw(const std::vector<progress_line>& lines,
                    std::size_t width) {
  // One write a frame, and nothing erased before it is drawn over: steady.
  auto frame = go_up(width);
  drawn_.clear();
  for (const auto& l : lines) {
    drawn_.push_back(display_width(render(l, width, false)));
    frame += render(l, width, color_) + "\x1b[K\n";
  }
  frame += "\x1b[J";
  write_error(frame);
}

void progress::clear() {
  if (drawn_.empty())
    return;
  write_error(go_up(terminal_width(STDERR_FILENO)) + "\x1b[J");
  drawn_.clear();
  last_ = clock::now() - 1h; // what was taken away comes back at once
}

void progress::keep() {
  drawn_.clear();
}

} // namespace orcon
