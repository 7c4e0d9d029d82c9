#include <algorithm>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"

namespace orcon::report {

namespace {

struct ending_look {
  state_look state;
  const char* text;
};

ending_look look(ending how) {
  using report::look;
  switch (how) {
  case ending::open: return {look(task_state::running), "still running"};
  case ending::succeeded: return {look(task_state::succeeded), "succeeded"};
  case ending::failed: return {look(task_state::failed), "failed"};
  case ending::lost:
    return {look(task_state::cancelled), "lost with its worker"};
  case ending::cancelled: return {look(task_state::cancelled), "cancelled"};
  }
  return {look(task_state::pending), "?"};
}

/// Where a moment is on the track, in percent.
double place(const timeline& t, timestamp at) {
  return std::clamp(100.0 * static_cast<double>((at - t.begin).count())
                      / static_cast<double>((t.end - t.begin).count()),
                    0.0, 100.0);
}

void write_line(std::ostream& out, const char* css, double from, double to) {
  if (to > from)
    fmt::print(out,
               "<line class=\"{}\" x1=\"{:.2f}%\" x2=\"{:.2f}%\" y1=\"10\" "
               "y2=\"10\"/>",
               css, from, to);
}

void write_attempt(std::ostream& out, const timeline& t, const attempt& a,
                   std::size_t number) {
  const auto l = look(a.how);
  const auto from = place(t, a.start);
  const auto width = std::max(place(t, a.end) - from, 0.35);
  fmt::print(out,
             "<rect class=\"{}\" x=\"{:.2f}%\" width=\"{:.2f}%\" y=\"4\" "
             "height=\"12\" rx=\"2\"><title>Attempt {}: {} after {}, started "
             "at {}</title></rect>",
             a.how == ending::open ? "open" : l.state.css,
             std::min(from, 100 - width), width, number, l.text,
             duration(a.end - a.start), to_iso(a.start));
  // An icon where an attempt went wrong: not shown by colour alone.
  if (a.how != ending::open && a.how != ending::succeeded)
    fmt::print(out,
               "<svg x=\"{:.2f}%\" overflow=\"visible\"><use href=\"#i-{}\" "
               "class=\"{}\" x=\"-7\" y=\"3\" width=\"14\" height=\"14\"/>"
               "</svg>",
               std::min(from + width, 99.0), l.state.css, l.state.css);
}

void write_track(std::ostream& out, const timeline& t, const bar& b) {
  fmt::print(out, "<svg role=\"img\" aria-label=\"{} attempt{}\">",
             b.attempts.size(), b.attempts.size() == 1 ? "" : "s");
  auto since = b.task.created_at;
  const char* line = "life";
  for (const auto& a : b.attempts) {
    write_line(out, line, place(t, since), place(t, a.start));
    since = a.end;
    line = "wait";
  }
  if (b.task.state == task_state::retrying
      || b.task.state == task_state::pending)
    write_line(out, line, place(t, since), 100);
  for (std::size_t i = 0; i < b.attempts.size(); ++i)
    write_attempt(out, t, b.attempts[i], i + 1);
  fmt::print(out, "</svg>");
}

void write_axis(std::ostream& out, const timeline& t) {
  fmt::print(out, "<tr class=\"axis\" aria-hidden=\"true\"><th></th><td></td>"
                  "<td class=\"track\"><div class=\"x dim\">");
  const auto length = t.end - t.begin;
  for (const auto& [at, label] : time_ticks(length, 6)) {
    const auto left = place(t, t.begin + milliseconds{at});
    fmt::print(out, "<b{} style=\"left:{:.2f}%\">{}</b>",
               left > 94 ? " class=\"end\"" : "", left, label);
  }
  fmt::print(out, "</div></td><td></td></tr>\n");
}

} // namespace

void write_bars(std::ostream& out, const run_report& r) {
  const auto& t = r.told.time;
  fmt::print(out,
             "<table class=\"gantt\"><caption>One row a task, one bar an "
             "attempt, along the time since the run was created. A thin line "
             "is waiting: solid for a worker, dashed for a retry. An icon at "
             "its end marks an attempt that failed or was lost.</caption>"
             "<thead><tr><th scope=\"col\">Task</th><th scope=\"col\">State"
             "</th><th scope=\"col\" class=\"track\">Attempts</th><th "
             "scope=\"col\" class=\"n\">First start to end</th></tr></thead>"
             "<tbody>\n");
  for (const auto& b : r.bars) {
    fmt::print(out,
               "<tr><th scope=\"row\">{}</th><td>{}</td><td "
               "class=\"track\">",
               user_text(b.task.name, 60), badge(report::look(b.task.state)));
    write_track(out, t, b);
    fmt::print(out, "</td><td class=\"n\">{}</td></tr>\n",
               b.attempts.empty()
                 ? "–"
                 : duration(b.attempts.back().end - b.attempts.front().start));
  }
  write_axis(out, t);
  fmt::print(out, "</tbody></table>\n");
}

} // namespace orcon::report
