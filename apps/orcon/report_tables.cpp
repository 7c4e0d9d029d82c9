#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/map_inputs.hpp"
#include "apps/orcon/output.hpp"
#include "apps/orcon/report_html.hpp"
#include "apps/orcon/report_page.hpp"

namespace orcon::report {

namespace {

constexpr std::size_t parents_shown = 200;
constexpr std::size_t failures_shown = 50;

} // namespace

void write_parents(std::ostream& out, const run_report& r) {
  const auto& s = r.summary;
  if (s.parents.empty())
    return;
  fmt::print(out, "<section id=\"fanouts\"><h2>Fan-outs</h2>\n");
  {
    const table t{out,
                  "Tasks that were fanned out, and how their children stand",
                  {"Task", "State", "Handler", "#Children", "By state"}};
    for (std::size_t i = 0; i < s.parents.size() && i < parents_shown; ++i) {
      const auto& children = s.fanouts[i].children;
      fmt::print(out,
                 "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td "
                 "class=\"n\">{}</td><td class=\"text\">{}</td></tr>\n",
                 user_text(s.parents[i].name, 80),
                 badge(look(s.parents[i].state)),
                 user_text(s.parents[i].handler, 60),
                 with_commas(children.total()), counts_text(children));
    }
  }
  if (s.parents.size() > parents_shown)
    fmt::print(out, "<p class=\"note\">The first {} are listed.</p>\n",
               parents_shown);
  fmt::print(out, "</section>\n");
}

void write_failures(std::ostream& out, const run_report& r,
                    const std::string& database) {
  const auto& s = r.summary;
  fmt::print(out, "<section id=\"failures\"><h2>Failures by error</h2>\n");
  if (s.failures.empty()) {
    fmt::print(out, "<p>No task has failed for good.</p></section>\n");
    return;
  }
  std::int64_t grouped = 0;
  for (const auto& f : s.failures)
    grouped += f.count;
  {
    const table t{out,
                  "Tasks that failed for good, grouped by their last error "
                  "with numbers, ids and quoted texts left out",
                  {"#Tasks", "#Share", "Error", "Message, for example",
                   "Task, for example"}};
    for (std::size_t i = 0; i < s.failures.size() && i < failures_shown; ++i) {
      const auto& f = s.failures[i];
      fmt::print(out,
                 "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><th "
                 "scope=\"row\">{}</th><td class=\"text\">{}</td><td>{}</td>"
                 "</tr>\n",
                 with_commas(f.count), percent(f.count, grouped),
                 user_text(f.type, 60), user_text(f.example, 300),
                 user_text(f.task, 60));
    }
  }
  if (s.failures.size() > failures_shown)
    fmt::print(out,
               "<p class=\"note\">The {} most frequent of {} errors.</p>\n",
               failures_shown, s.failures.size());
  if (grouped < s.tasks.failed)
    fmt::print(out,
               "<p class=\"note\">Grouped from the first {} of {} failed "
               "tasks.</p>\n",
               with_commas(grouped), with_commas(s.tasks.failed));
  const auto db = " --db " + shell_quoted(database);
  fmt::print(out,
             "<p>To list them all, and to look at one with its output and "
             "events:</p>\n{}{}</section>\n",
             command("orcon task failures " + s.run.id + db),
             command("orcon task show " + shell_quoted(s.failures.front().task)
                     + " --run " + s.run.id + db));
}

} // namespace orcon::report
