#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

constexpr int shades = 7;
constexpr int pitch = 10, side = 9; // of a cell, in units of the drawing

std::string short_time(double ms) {
  return ms < 10 ? fmt::format("{:.1f}ms", ms)
                 : human_duration(milliseconds{std::llround(ms)});
}

/// Times from `least` to `most`, by equal factors.
struct time_scale {
  double least = 0, most = 0;

  bool flat() const { return most <= least * 1.05; }
  double edge(int i) const {
    return least * std::pow(most / least, static_cast<double>(i) / shades);
  }
  int shade(double ms) const {
    if (flat())
      return shades / 2;
    int i = 0;
    while (i + 1 < shades && ms >= edge(i + 1))
      ++i;
    return i;
  }
};

/// What attempts shorter than the clock's step are taken for.
double drawn_mean(const cell& c) {
  return std::max(c.mean(), 0.1);
}

time_scale scale_of(const std::vector<heat_map>& maps) {
  time_scale s;
  for (const auto& m : maps)
    for (const auto& c : m.cells)
      if (c.attempts > 0) {
        const auto mean = drawn_mean(c);
        s.least = s.most == 0 ? mean : std::min(s.least, mean);
        s.most = std::max(s.most, mean);
      }
  return s;
}

task_state commonest(const state_counts& counts) {
  auto best = task_state::pending;
  for (auto s : stacked_states())
    if (count_of(counts, s) > count_of(counts, best))
      best = s;
  return best;
}

/// What must not be overlooked among children of which most do better.
std::optional<task_state> exception(const state_counts& counts,
                                    task_state most) {
  using enum task_state;
  for (auto s : {failed, cancelled, retrying, running})
    if (s != most && count_of(counts, s) > 0)
      return s;
  return std::nullopt;
}

int columns_of(const heat_map& m) {
  const auto n = static_cast<int>(m.cells.size());
  return n <= 12 ? n : n <= 100 ? 20 : n <= 400 ? 40 : 50;
}

class grid {
public:
  grid(std::ostream& out, const heat_map& m, const char* name)
    : out_(out), map_(m), columns_(columns_of(m)) {
    const auto rows
      = (static_cast<int>(m.cells.size()) + columns_ - 1) / columns_;
    fmt::print(out,
               "<svg viewBox=\"0 0 {} {}\" style=\"max-width:{}px\" "
               "role=\"img\"><title>{}</title>\n",
               columns_ * pitch - 1, rows * pitch - 1, columns_ * 30, name);
  }
  ~grid() { fmt::print(out_, "</svg>\n"); }
  grid(const grid&) = delete;
  grid& operator=(const grid&) = delete;

  /// "12" or "1,001 to 2,000": the children of a cell.
  std::string children(std::size_t i) const {
    const auto first = static_cast<std::int64_t>(i) * map_.per_cell + 1;
    const auto last = std::min(first + map_.per_cell - 1, map_.of.tasks.count);
    const auto* what = map_.of.parent != 0 ? "#" : "task ";
    return first == last
             ? what + with_commas(first)
             : what + with_commas(first) + " to " + with_commas(last);
  }

  /// Paints cell `i`, or only its foot: the part below `from` (0…1).
  void put(std::size_t i, std::string_view css, const std::string& text,
           double from = 0) const {
    const auto place = static_cast<int>(i) - left_out_;
    fmt::print(out_,
               "<rect class=\"{}\" x=\"{}\" y=\"{:g}\" width=\"{}\" "
               "height=\"{:g}\"><title>{}: {}</title></rect>",
               css, place % columns_ * pitch,
               place / columns_ * pitch + from * side, side, side - from * side,
               children(i), text);
  }
  /// A cell of nothing but parents has no place.
  void leave_out() { ++left_out_; }

private:
  int left_out_ = 0;
  std::ostream& out_;
  const heat_map& map_;
  int columns_;
};

void write_states(std::ostream& out, const heat_map& m) {
  fmt::print(out, "<figure><figcaption><b>By state</b></figcaption>\n");
  grid g{out, m, "Children by state"};
  for (std::size_t i = 0; i < m.cells.size(); ++i) {
    const auto& counts = m.cells[i].leaves;
    const auto total = counts.total();
    if (total == 0) {
      g.leave_out();
      continue;
    }
    const auto most = commonest(counts);
    const auto text = counts_text(counts);
    if (counts.not_created == total) {
      g.put(i, "uncreated", text);
      continue;
    }
    g.put(i, look(most).css, text);
    if (const auto other = exception(counts, most))
      g.put(i, look(*other).css, text,
            1
              - std::max(static_cast<double>(count_of(counts, *other))
                           / static_cast<double>(total),
                         0.34));
  }
}

void write_times(std::ostream& out, const heat_map& m,
                 const time_scale& scale) {
  fmt::print(out, "</figure><figure><figcaption><b>By duration of an "
                  "attempt</b></figcaption>\n");
  grid g{out, m, "Children by the mean duration of their attempts"};
  for (std::size_t i = 0; i < m.cells.size(); ++i) {
    const auto& c = m.cells[i];
    if (c.leaves.total() == 0)
      g.leave_out();
    else if (c.attempts == 0)
      g.put(i, "hn", "no attempt has ended");
    else
      g.put(i, fmt::format("h{}", scale.shade(drawn_mean(c))),
            c.attempts == 1
              ? duration(c.took)
              : fmt::format("{} on average, {} at most ({} attempts)",
                            short_time(c.mean()), duration(c.longest),
                            with_commas(c.attempts)));
  }
}

void write_legends(std::ostream& out, const std::vector<heat_map>& maps,
                   const time_scale& scale) {
  state_counts all;
  bool ended = false, open = false; // cells in which attempts have, or none
  for (const auto& m : maps)
    for (const auto& c : m.cells) {
      all += c.leaves;
      ended = ended || c.attempts > 0;
      open = open || (c.attempts == 0 && c.leaves.total() > 0);
    }
  fmt::print(out, "<ul class=\"legend\">");
  for (auto s : stacked_states())
    if (const auto n = count_of(all, s); n > 0)
      fmt::print(out, "<li>{} ({})</li>", badge(look(s)), with_commas(n));
  if (all.not_created > 0)
    fmt::print(
      out, "<li><i class=\"swatch uncreated\"></i>not created yet ({})</li>",
      with_commas(all.not_created));
  fmt::print(out, "</ul>\n<ul class=\"legend\">");
  const auto swatch = [&](int i, const std::string& text) {
    fmt::print(out, "<li><i class=\"swatch h{}\"></i>{}</li>", i, text);
  };
  if (ended && scale.flat())
    swatch(shades / 2, short_time(scale.most));
  for (int i = 0; ended && !scale.flat() && i < shades; ++i)
    swatch(i, i + 1 < shades ? "to " + short_time(scale.edge(i + 1))
                             : "up to " + short_time(scale.most));
  if (open)
    fmt::print(out, "<li><i class=\"swatch hn\"></i>none has ended</li>");
  fmt::print(out, "</ul>\n");
}

std::string name_of(const run_report& r, const heat_map& m) {
  for (std::size_t i = 0; i < r.summary.fanouts.size(); ++i)
    if (r.summary.fanouts[i].task == m.of.parent)
      return user_text(r.summary.parents[i].name, 80);
  return m.of.parent == 0 ? "Tasks of their own" : "Children";
}

} // namespace

void write_heat_maps(std::ostream& out, const run_report& r) {
  // Largest first: that is what a page of few maps is about.
  auto maps = r.told.maps;
  std::ranges::stable_sort(maps, std::greater{},
                           [](const auto& m) { return m.of.tasks.count; });
  if (!r.told.complete || maps.empty())
    return;
  fmt::print(out,
             "<section id=\"heatmap\"><h2>Heat map of the children</h2>\n"
             "<p class=\"dim\">The children of a task in the order of their "
             "numbers, reading like text: number 1 is at the top left. A cell "
             "has the state of most of its children; a strip at its foot shows "
             "failed, cancelled, waiting or running ones among them, drawn at "
             "least a third high so that none is overlooked.</p>\n");
  const auto scale = scale_of(maps);
  for (const auto& m : maps) {
    std::int64_t leaves = 0;
    for (const auto& c : m.cells)
      leaves += c.leaves.total();
    fmt::print(out, "<h3>{} <span class=\"dim\">· {} {}, {}</span></h3>\n",
               name_of(r, m), with_commas(leaves),
               m.of.parent == 0 ? "tasks" : "children",
               m.per_cell == 1 ? std::string{"one a cell"}
                               : with_commas(m.per_cell) + " a cell");
    fmt::print(out, "<div class=\"maps\">\n");
    write_states(out, m);
    write_times(out, m, scale);
    fmt::print(out, "</figure></div>\n");
  }
  write_legends(out, maps, scale);
  if (const auto all = r.summary.parents_total; all > std::ssize(maps))
    fmt::print(out,
               "<p class=\"note\">The largest of {} fan-outs are drawn.</p>\n",
               with_commas(static_cast<std::int64_t>(all)));
  fmt::print(out, "</section>\n");
}

} // namespace orcon::report
