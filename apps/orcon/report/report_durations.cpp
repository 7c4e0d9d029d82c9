#include <array>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

/// Where one row of the histogram ends and the next begins, in milliseconds.
constexpr std::array<std::int64_t, 27> edges{
  0,          1,          2,
  5,          10,         20,
  50,         100,        200,
  500,        1000,       2000,
  5000,       10'000,     20'000,
  30'000,     60'000,     120'000,
  300'000,    600'000,    1'200'000,
  1'800'000,  3'600'000,  7'200'000,
  18'000'000, 43'200'000, INT64_C(1) << 42};

milliseconds took(const task_record& t) {
  return t.updated_at - t.started_at;
}

void write_histogram(std::ostream& out, const durations& times) {
  const auto in_row = [&](std::size_t i) {
    return times.between(milliseconds{edges[i]}, milliseconds{edges[i + 1]});
  };
  std::int64_t most = 0;
  std::size_t first = edges.size(), last = 0;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i)
    if (const auto n = in_row(i); n > 0) {
      most = std::max(most, n);
      first = std::min(first, i);
      last = i;
    }
  fmt::print(out,
             "<p>Half of the attempts ended within {}, 95% within {}, 99% "
             "within {}; the longest took {}.</p>\n",
             duration(times.within(0.5)), duration(times.within(0.95)),
             duration(times.within(0.99)), duration(times.longest()));
  const table t{out,
                "How long attempts took, from the lease to the result; long "
                "ones are sorted in to within 3%",
                {"#At least", "#Less than", "#Attempts", "#Share", ""}};
  for (auto i = first; i <= last; ++i)
    fmt::print(out,
               "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td "
               "class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"wide\">"
               "{}</td></tr>\n",
               human_duration(milliseconds{edges[i]}),
               i + 2 < edges.size() ? human_duration(milliseconds{edges[i + 1]})
                                    : "–",
               with_commas(in_row(i)), percent(in_row(i), times.count()),
               bar_of(in_row(i), most));
}

} // namespace

void write_slowest(std::ostream& out, const run_report& r) {
  if (r.slowest.empty())
    return;
  fmt::print(out, "<section id=\"slowest\"><h2>Durations and slowest "
                  "tasks</h2>\n");
  if (r.told.attempt_times.count() > 0)
    write_histogram(out, r.told.attempt_times);
  {
    const auto longest = took(r.slowest.front()).count();
    const table t{
      out,
      "The settled tasks whose last attempt took longest",
      {"Task", "State", "#Took", "", "#Attempt", "Handler", "Started (UTC)"}};
    for (const auto& task : r.slowest)
      fmt::print(
        out,
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{}"
        "</td><td class=\"wide\">{}</td><td class=\"n\">{}</td><td>"
        "{}</td><td class=\"t\">{}</td></tr>\n",
        user_text(task.name, 60), badge(look(task.state)), duration(took(task)),
        bar_of(took(task).count(), longest, look(task.state).css), task.attempt,
        user_text(task.handler, 40), moment(task.started_at));
  }
  fmt::print(out, "</section>\n");
}

} // namespace orcon::report
