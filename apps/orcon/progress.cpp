#include "apps/orcon/progress.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/output.hpp"

namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

constexpr auto redraw_every = 100ms;
constexpr auto plain_every = 10s;
constexpr std::size_t most_lines = 8;

double share(const state_counts& c) {
  return c.total() == 0 ? 1.0
                        : static_cast<double>(c.settled())
                            / static_cast<double>(c.total());
}

std::string eta(const state_counts& c, double rate) {
  if (rate <= 0 || c.settled() == c.total())
    return "";
  const auto left = static_cast<double>(c.total() - c.settled()) / rate;
  return " eta " + human_duration(milliseconds{
           static_cast<std::int64_t>(std::min(left * 1000, 3.6e9))});
}

std::string detail(const state_counts& c, double rate) {
  auto text = fmt::format("{}/{}", with_commas(c.settled()),
                          with_commas(c.total()));
  if (c.running > 0)
    text += fmt::format("  {} running", with_commas(c.running));
  if (c.retrying > 0)
    text += fmt::format("  {} to retry", with_commas(c.retrying));
  if (c.failed > 0)
    text += fmt::format("  {} failed", with_commas(c.failed));
  if (c.cancelled > 0)
    text += fmt::format("  {} cancelled", with_commas(c.cancelled));
  if (rate >= 0.05)
    text += rate >= 10 ? fmt::format("  {}/s", with_commas(
                           static_cast<std::int64_t>(rate)))
                       : fmt::format("  {:.1f}/s", rate);
  return text + eta(c, rate);
}

} // namespace

progress::progress(const settings& s)
  : on_(!s.quiet), terminal_(::isatty(STDERR_FILENO) == 1),
    color_(use_color(s, STDERR_FILENO)), started_(clock::now()),
    last_(started_ - 1h) {
  if (!terminal_)
    last_ = started_; // the first plain line comes after ten seconds
}

std::vector<progress::line> progress::read(store_reader& reader,
                                           const std::vector<run_key>& runs) {
  std::vector<line> lines;
  for (auto run : runs) {
    auto leaves = reader.count_leaves(run);
    for (const auto& f : reader.list_fanouts(run)) {
      if (lines.size() >= most_lines)
        break;
      const auto origin = reader.load_origin(f.task);
      lines.push_back({origin ? origin->spec.name : "?", f.children});
      leaves.unborn -= f.children.unborn;
      leaves.pending -= f.children.pending;
      leaves.running -= f.children.running;
      leaves.retrying -= f.children.retrying;
      leaves.succeeded -= f.children.succeeded;
      leaves.failed -= f.children.failed;
      leaves.cancelled -= f.children.cancelled;
    }
    if (leaves.total() > 0 && lines.size() < most_lines)
      lines.push_back({"tasks", leaves});
  }
  return lines;
}

void progress::show(store_reader& reader, const std::vector<run_key>& runs,
                    bool final) {
  const auto now = clock::now();
  if (!on_ || (!final && terminal_ && now - last_ < redraw_every))
    return;
  if (!terminal_ && !final && now - last_ < 500ms)
    return;
  const auto lines = read(reader, runs);
  if (terminal_) {
    draw(lines);
    last_ = now;
    if (final)
      drawn_ = 0;
    return;
  }
  state_counts all;
  for (const auto& l : lines)
    all += l.counts;
  draw_plain(all, final);
}

void progress::draw_plain(const state_counts& all, bool final) {
  if (base_ < 0)
    base_ = all.settled();
  const auto now = clock::now();
  const auto tenth = static_cast<int>(share(all) * 10);
  // The last line is due once, whether or not it is a tenth.
  if (tenth == last_tenth_ && (tenth == 10 || !final)
      && now - last_ < plain_every)
    return;
  if (now - started_ < 1s)
    return; // short work needs no progress
  last_tenth_ = tenth;
  last_ = now;
  const std::chrono::duration<double> elapsed = now - started_;
  const auto rate
    = static_cast<double>(all.settled() - base_) / elapsed.count();
  fmt::print(stderr, "orcon: {:3.0f}%  {}\n", share(all) * 100,
             detail(all, rate));
}

std::string progress::render(const line& l, double rate, unsigned width) const {
  constexpr std::size_t bar_width = 24;
  const auto text = detail(l.counts, rate);
  const auto filled = static_cast<std::size_t>(share(l.counts) * bar_width);
  std::string bar;
  for (std::size_t i = 0; i < bar_width; ++i)
    bar += i < filled ? "█" : "░";
  const auto name = fmt::format("{:<12} ", shorten(l.name, 12));
  const auto percent = fmt::format(" {:3.0f}%  ", share(l.counts) * 100);
  // On a narrow screen the bar goes first, then the end of the text.
  const auto room = static_cast<std::size_t>(std::max(20u, width) - 1);
  const auto fixed = name.size() + percent.size();
  if (fixed + bar_width + text.size() > room)
    return shorten(name + percent + text, room);
  if (color_)
    bar = fmt::format("\x1b[{}m{}\x1b[0m", l.counts.failed > 0 ? 33 : 32, bar);
  return name + bar + percent + text;
}

void progress::draw(const std::vector<line>& lines) {
  std::int64_t settled = 0;
  for (const auto& l : lines)
    settled += l.counts.settled();
  if (base_ < 0)
    base_ = settled;
  const std::chrono::duration<double> elapsed = clock::now() - started_;
  const auto done = static_cast<double>(settled - base_);
  const auto width = terminal_width(STDERR_FILENO);
  // One write a frame: nothing flickers.
  std::string frame;
  if (drawn_ > 0)
    frame += fmt::format("\x1b[{}F", drawn_);
  for (const auto& l : lines) {
    const auto mine = settled > 0 ? static_cast<double>(l.counts.settled())
                                      / static_cast<double>(settled)
                                  : 0.0;
    const auto rate = elapsed.count() > 0.2 ? done * mine / elapsed.count() : 0;
    frame += render(l, rate, width) + "\x1b[K\n";
  }
  frame += "\x1b[J";
  std::fputs(frame.c_str(), stderr);
  drawn_ = lines.size();
}

void progress::clear() {
  if (terminal_ && drawn_ > 0)
    std::fputs(fmt::format("\x1b[{}F\x1b[J", drawn_).c_str(), stderr);
  drawn_ = 0;
}

} // namespace orcon
