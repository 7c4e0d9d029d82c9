#include "apps/orcon/terminal/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include <conductor/stored_json.hpp>

#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/terminal/task_label.hpp"

namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

constexpr auto redraw_every = 100ms;
constexpr auto look_every = 500ms;
constexpr auto plain_every = 10s;
constexpr auto too_short_to_tell = 1s;
constexpr auto look_closely_every = 1s;
constexpr auto slow_after = 10s;
constexpr auto failure_is_news = 10s;
constexpr std::size_t most_lines = 8;
constexpr std::size_t most_slow = 3;

/// What is left of the counts without a part of them. The part was read a
/// moment later, so it may be a little ahead.
state_counts without(state_counts all, const state_counts& part) {
  for (auto count : {&state_counts::not_created, &state_counts::pending,
                     &state_counts::running, &state_counts::retrying,
                     &state_counts::succeeded, &state_counts::failed,
                     &state_counts::cancelled})
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

void progress::add_line(task_key key, std::string name,
                        const state_counts& counts,
                        std::vector<progress_line>& lines) {
  auto& pace = speeds_[key];
  pace.note(clock::now(), counts.settled());
  lines.push_back({std::move(name), counts, pace.rate()});
}

/// The parents of a run that have not ended, and its leaves without a parent.
void progress::add_run(store_reader& reader, run_key run, std::size_t most,
                       std::vector<progress_line>& lines) {
  const auto fanouts = reader.list_parents(run);
  const auto all = reader.count_leaves(run);
  state_counts shown;
  for (const auto& f : fanouts) {
    const auto& c = f.children;
    const bool ended = c.total() > 0 && c.settled() == c.total();
    const bool only = fanouts.size() == 1 && c.total() == all.total();
    if ((ended && !only) || lines.size() >= most) {
      if (ended)
        shown += c;
      continue;
    }
    const auto origin = reader.load_template(f.task);
    add_line(f.task, origin ? origin->spec.name : "?", c, lines);
    shown += c;
  }
  const auto others = without(all, shown);
  if (others.total() > 0 && others.settled() < others.total())
    add_line(-run, lines.empty() ? "tasks" : "others", others, lines);
}

progress::picture progress::read(store_reader& reader,
                                 const std::vector<run_key>& runs) {
  const auto rows = terminal_height(STDERR_FILENO);
  // One line is for all, one for what has no line of its own, one for the
  // cursor.
  const auto most = std::clamp<std::size_t>(rows, 4, most_lines + 3) - 3;
  picture p;
  state_counts all;
  for (auto run : runs) {
    all += reader.count_leaves(run);
    add_run(reader, run, most, p.lines);
  }
  if (p.lines.size() != 1 || p.lines.front().counts.total() != all.total())
    add_line(0, "all", all, p.lines);
  look(reader, runs);
  for (const auto& note : slow_)
    if (p.lines.size() + p.notes.size() + 2 < rows)
      p.notes.push_back(note);
  if (clock::now() - failed_at_ < failure_is_news
      && p.lines.size() + p.notes.size() + 2 < rows)
    p.notes.push_back({"  newest failure: " + newest_failure_, true});
  return p;
}

/// Looks for what has no counter, once per second.
void progress::look(store_reader& reader, const std::vector<run_key>& runs) {
  const auto now = clock::now();
  if (now - looked_at_ < look_closely_every)
    return;
  looked_at_ = now;
  look_for_failures(reader, runs);
  slow_.clear();
  const auto at = system_now();
  for (auto run : runs)
    for (const auto& task :
         reader.tasks({.filter = {.run = run, .texts = false},
         .started_before = at - slow_after,
         .order = task_order::oldest_first,
         .limit = most_slow - slow_.size()}))
      slow_.push_back(
        {fmt::format("  {} has been running for {}",
                     labelled(task.name, item_text(reader, task.key)),
                     human_duration(at - task.started_at))});
}

void progress::look_for_failures(store_reader& reader,
                                 const std::vector<run_key>& runs) {
  constexpr std::size_t page = 1000;
  const auto newest = reader.last_event();
  // In a storm the last thousand events have the newest one.
  const auto after
    = std::max(seen_.value_or(newest), newest - static_cast<event_seq>(page));
  seen_ = newest;
  for (auto run : runs) {
    const auto events
      = reader.list_events({.run = run, .name = "task.failed"}, after, page);
    if (events.empty())
      continue;
    const auto& last = events.back();
    const auto payload = parse_stored(last.payload);
    const auto why
      = payload.is_object() ? payload.value("error", json::object()) : json{};
    const auto task = reader.find_task(run, last.task_name);
    newest_failure_
      = labelled(last.task_name, task ? item_text(reader, *task) : "") + ": "
        + (why.is_object() ? why.value("message", "") : "");
    failed_at_ = clock::now();
  }
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
  look(reader, runs);
  const bool news = now - failed_at_ < plain_every;
  tell("orcon: {}{}\n", render_plain(all, pace.rate()),
       news ? "  newest failure: " + shorten(newest_failure_, 200) : "");
}

std::string progress::go_up(std::size_t width) const {
  // A line that was drawn on a wider screen takes several rows by now.
  std::size_t rows = 0;
  for (auto used : drawn_)
    rows += std::max<std::size_t>(1, (used + width - 1) / width);
  return rows > 0 ? fmt::format("\x1b[{}F", rows) : "";
}

void progress::draw(const picture& p, std::size_t width) {
  // One write a frame, and nothing erased before it is drawn over: steady.
  auto frame = go_up(width);
  drawn_.clear();
  const auto add = [&](const auto& line) {
    drawn_.push_back(display_width(render(line, width, false)));
    frame += render(line, width, color_) + "\x1b[K\n";
  };
  for (const auto& line : p.lines)
    add(line);
  for (const auto& note : p.notes)
    add(note);
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
