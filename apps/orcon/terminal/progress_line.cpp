#include "apps/orcon/terminal/progress_line.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t widest_name = 16, narrowest_name = 8;

double share(const state_counts& c) {
  return c.total() == 0
           ? 1.0
           : static_cast<double>(c.settled()) / static_cast<double>(c.total());
}

std::string percent(const state_counts& c) {
  // 100 % is said only when it is true.
  return fmt::format("{:3.0f}%", std::floor(share(c) * 100));
}

std::string rate_text(double rate) {
  if (rate < 0.05)
    return {};
  return rate >= 10 ? with_commas(std::llround(rate)) + "/s"
                    : fmt::format("{:.1f}/s", rate);
}

std::string eta(const state_counts& c, double rate) {
  if (rate < 0.001 || c.settled() == c.total())
    return {};
  const auto seconds = static_cast<double>(c.total() - c.settled()) / rate;
  return "eta "
         + human_duration(milliseconds{
           static_cast<std::int64_t>(std::ceil(std::min(seconds, 3.6e6)))
           * 1000});
}

/// Numbers, the most important first.
std::vector<std::string> details(const state_counts& c, double rate) {
  std::vector<std::string> parts{with_commas(c.settled()) + "/"
                                 + with_commas(c.total())};
  const auto add = [&](std::int64_t n, const char* what) {
    if (n > 0)
      parts.push_back(with_commas(n) + what);
  };
  add(c.failed, " failed");
  add(c.cancelled, " cancelled");
  parts.push_back(rate_text(rate));
  parts.push_back(eta(c, rate));
  add(c.running, " running");
  add(c.retrying, " to retry");
  std::erase(parts, "");
  return parts;
}

std::string bar(const state_counts& c, std::size_t width, bool color) {
  const auto filled
    = static_cast<std::size_t>(share(c) * static_cast<double>(width));
  std::string text;
  for (std::size_t i = 0; i < width; ++i)
    text += i < filled ? "█" : "░";
  return color ? fmt::format("\x1b[{}m{}\x1b[0m", c.failed > 0 ? 33 : 32, text)
               : text;
}

} // namespace

void speed::note(clock::time_point now, std::int64_t settled) {
  constexpr auto dense = std::chrono::milliseconds{100};
  constexpr auto thin = std::chrono::seconds{5};
  samples_.push_back({now, settled});
  // The newest but one goes where it is too close to the one before it.
  if (samples_.size() > 2
      && samples_.end()[-2].at - samples_.end()[-3].at < dense)
    samples_.erase(samples_.end() - 2);
  // Of those that leave the first window, one in five seconds stays.
  const auto first
    = std::find_if(samples_.begin(), samples_.end(), [&](const sample& s) {
        return s.at >= now - windows.front();
      });
  const auto n = first - samples_.begin();
  if (n > 2 && first[-1].at - first[-3].at < thin)
    samples_.erase(first - 2);
  while (samples_.size() > 2 && samples_[1].at < now - windows.back())
    samples_.pop_front();
}

double speed::rate() const {
  if (samples_.size() < 2)
    return 0;
  const auto& last = samples_.back();
  for (const auto window : windows) {
    // From the last sample before the window, or the first there is.
    auto from = samples_.begin();
    while (from + 1 != samples_.end() && from[1].at <= last.at - window)
      ++from;
    const std::chrono::duration<double> passed = last.at - from->at;
    const auto settled = last.settled - from->settled;
    if (passed.count() > 0 && (settled >= enough || from == samples_.begin()))
      return static_cast<double>(settled) / passed.count();
  }
  return 0;
}

std::string render(const progress_line& line, std::size_t width, bool color) {
  const auto room = std::max<std::size_t>(width, 2) - 1;
  // Fixed by the window alone: nothing jumps while numbers grow.
  const auto name_width = room >= 60 ? widest_name : narrowest_name;
  const std::size_t bar_width = room >= 90   ? 24
                                : room >= 64 ? 16
                                : room >= 54 ? 8
                                             : 0;
  const auto name = padded(shorten(line.name, name_width), name_width) + " ";
  auto text = percent(line.counts);
  const auto taken = name_width + 1 + bar_width + (bar_width > 0 ? 1 : 0);
  for (const auto& part : details(line.counts, line.rate))
    if (taken + display_width(text) + 2 + display_width(part) <= room)
      text += "  " + part;
  if (bar_width == 0)
    return shorten(name + text, room);
  return name + bar(line.counts, bar_width, color) + " "
         + shorten(text, room - taken);
}

std::string render(const progress_note& note, std::size_t width, bool color) {
  const auto text = shorten(note.text, std::max<std::size_t>(width, 2) - 1);
  return color && note.alarming ? "\x1b[33m" + text + "\x1b[0m" : text;
}

std::string render_plain(const state_counts& counts, double rate) {
  auto text = percent(counts);
  for (const auto& part : details(counts, rate))
    text += "  " + part;
  return text;
}

} // namespace orcon
