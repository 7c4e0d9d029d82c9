#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/orcon/report/report_plot.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

double seconds(const timeline& t, column c) {
  return static_cast<double>((t.at(c.to) - t.at(c.from)).count()) / 1000;
}

double mean_running(const timeline& t, column c) {
  double sum = 0;
  for (auto i = c.from; i < c.to; ++i)
    sum += t.slices[i].mean_running;
  return sum / static_cast<double>(c.to - c.from);
}

std::int64_t peak_running(const timeline& t, column c) {
  std::int64_t most = 0;
  for (auto i = c.from; i < c.to; ++i)
    most = std::max(most, t.slices[i].peak_running);
  return most;
}

/// Leaves that came into a state in the time of a column.
std::int64_t gained(const timeline& t, column c, task_state s) {
  const auto before
    = c.from == 0 ? 0 : count_of(t.slices[c.from - 1].leaves, s);
  return std::max<std::int64_t>(count_of(t.slices[c.to - 1].leaves, s) - before,
                                0);
}

void write_legend(std::ostream& out, const std::vector<task_state>& states,
                  bool uncreated) {
  fmt::print(out, "<ul class=\"legend\">");
  for (auto s : states)
    fmt::print(out, "<li>{}</li>", badge(look(s)));
  if (uncreated)
    fmt::print(out, "<li><i class=\"swatch uncreated\"></i>blank: not created "
                    "yet</li>");
  fmt::print(out, "</ul>\n");
}

std::vector<task_state> states_seen(const timeline& t) {
  std::vector<task_state> seen;
  for (auto s : stacked_states())
    if (std::ranges::any_of(
          t.slices, [s](const auto& x) { return count_of(x.leaves, s) > 0; }))
      seen.push_back(s);
  return seen;
}

void write_states(std::ostream& out, const timeline& t, std::int64_t total) {
  fmt::print(out,
             "<figure><figcaption><b>Tasks by state over time</b>How many of "
             "the {} tasks were in each state; from left to right the time "
             "since the run was created.</figcaption>\n",
             with_commas(total));
  plot p{out,
         t,
         total,
         "tall",
         "Tasks by state over time",
         "Stacked areas, from the bottom: succeeded, failed, cancelled, "
         "running, waiting for a retry, pending. The table below has the "
         "figures."};
  std::vector<std::int64_t> sums(t.slices.size());
  std::vector<int> lower(t.slices.size(), p.y(0));
  const auto seen = states_seen(t);
  for (auto s : seen) {
    auto upper = lower;
    for (std::size_t i = 0; i < t.slices.size(); ++i) {
      sums[i] += count_of(t.slices[i].leaves, s);
      upper[i] = p.y(static_cast<double>(sums[i]));
    }
    fmt::print(out, "<path class=\"{}\" d=\"{}\"/>\n", look(s).css,
               area(lower, upper));
    lower = std::move(upper);
  }
  p.close([&](column c) { return counts_text(t.slices[c.to - 1].leaves); });
  write_legend(out, seen, t.slices.front().leaves.not_created > 0);
  fmt::print(out, "</figure>\n");
}

void write_concurrency(std::ostream& out, const timeline& t) {
  fmt::print(out, "<figure><figcaption><b>Attempts under way</b>How many tasks "
                  "were running (leased to a worker, or in its queue) at once: "
                  "the area is the average of each moment, the line the most "
                  "at once.</figcaption>\n");
  plot p{out,
         t,
         t.peak(),
         "low",
         "Attempts under way over time",
         fmt::format("At most {} at once.", with_commas(t.peak()))};
  std::vector<int> zero(t.slices.size(), p.y(0)), mean, peak;
  for (const auto& s : t.slices) {
    mean.push_back(p.y(s.mean_running));
    peak.push_back(p.y(static_cast<double>(s.peak_running)));
  }
  fmt::print(out,
             "<path class=\"mean\" d=\"{}\"/>\n<path class=\"peak\" "
             "vector-effect=\"non-scaling-stroke\" d=\"{}\"/>\n",
             area(zero, mean), steps(peak));
  p.close([&](column c) {
    return fmt::format("{:.1f} under way on average, at most {}",
                       mean_running(t, c), with_commas(peak_running(t, c)));
  });
  fmt::print(out, "</figure>\n");
}

void write_throughput(std::ostream& out, const timeline& t) {
  using enum task_state;
  const auto columns = columns_of(t, 80);
  const auto rate = [&](column c, task_state s) {
    return static_cast<double>(gained(t, c, s)) / seconds(t, c);
  };
  double most = 0;
  for (auto c : columns)
    most = std::max(most,
                    rate(c, succeeded) + rate(c, failed) + rate(c, cancelled));
  fmt::print(out, "<figure><figcaption><b>Tasks settled per second</b>A "
                  "histogram: how many tasks came to their end in each stretch "
                  "of time, divided by its seconds.</figcaption>\n");
  plot p{
    out,
    t,
    static_cast<std::int64_t>(std::ceil(most)),
    "low",
    "Tasks settled per second",
    fmt::format("At most {} in a second.", with_commas(std::llround(most)))};
  for (auto c : columns) {
    double sum = 0;
    for (auto s : {succeeded, failed, cancelled}) {
      const auto r = rate(c, s);
      const auto bottom = p.y(sum), top = p.y(sum += r);
      const auto width = static_cast<double>(c.to - c.from);
      if (bottom > top)
        fmt::print(out,
                   "<rect class=\"{}\" x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" "
                   "height=\"{}\"/>\n",
                   look(s).css, static_cast<double>(c.from) + width * 0.06, top,
                   width * 0.88, bottom - top);
    }
  }
  p.close([&](column c) {
    return fmt::format(
      "{} settled in a second",
      with_commas(std::llround(rate(c, succeeded) + rate(c, failed)
                               + rate(c, cancelled))));
  });
  fmt::print(out, "</figure>\n");
}

void write_figures(std::ostream& out, const timeline& t) {
  fmt::print(out,
             "<details><summary>The same in figures</summary><div "
             "class=\"scroll\" tabindex=\"0\" role=\"region\" "
             "aria-label=\"Timeline in figures\"><table><caption>Tasks by "
             "state at the end of each stretch of time, and attempts under "
             "way in it</caption><thead><tr><th scope=\"col\">Until</th>");
  const auto seen = states_seen(t);
  for (auto s : seen)
    fmt::print(out, "<th scope=\"col\" class=\"n\">{}</th>", look(s).label);
  fmt::print(out,
             "<th scope=\"col\" class=\"n\">under way, average</th><th "
             "scope=\"col\" class=\"n\">at most</th></tr></thead><tbody>\n");
  for (auto c : columns_of(t, 24)) {
    fmt::print(out, "<tr><th scope=\"row\">{}</th>",
               duration(t.at(c.to) - t.begin));
    for (auto s : seen)
      fmt::print(out, "<td class=\"n\">{}</td>",
                 with_commas(count_of(t.slices[c.to - 1].leaves, s)));
    fmt::print(out, "<td class=\"n\">{:.1f}</td><td class=\"n\">{}</td></tr>\n",
               mean_running(t, c), with_commas(peak_running(t, c)));
  }
  fmt::print(out, "</tbody></table></div></details>\n");
}

} // namespace

void write_timeline(std::ostream& out, const run_report& r) {
  const auto& t = r.told.time;
  fmt::print(out,
             "<section id=\"timeline\"><h2>Timeline</h2>\n<p "
             "class=\"dim\">From {} to {} (UTC), told from {} "
             "events.</p>\n",
             moment(t.begin), moment(t.end), with_commas(r.told.events));
  if (!r.told.complete) {
    fmt::print(out, "<p>The events of this run, or the first of them, are no "
                    "longer in the database: there is no timeline to draw.</p>"
                    "</section>\n");
    return;
  }
  const auto total = r.summary.tasks.total();
  if (!r.bars.empty())
    write_bars(out, r);
  if (total == 0) {
    fmt::print(out, "<p>This run has no tasks to execute.</p></section>\n");
    return;
  }
  write_states(out, t, total);
  write_concurrency(out, t);
  if (r.bars.empty())
    write_throughput(out, t);
  write_figures(out, t);
  fmt::print(out, "</section>\n");
}

} // namespace orcon::report
