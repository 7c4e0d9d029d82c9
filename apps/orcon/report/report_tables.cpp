#include <utility>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

constexpr std::int64_t parents_shown = 200;
constexpr std::size_t failures_shown = 50;

void write_groups(std::ostream& out, const char* caption,
                  const std::vector<failure_group>& groups) {
  std::int64_t all = 0;
  for (const auto& f : groups)
    all += f.count;
  {
    const table t{out,
                  caption,
                  {"#Tasks", "#Share", "Error", "Message, for example",
                   "Task, for example"}};
    for (std::size_t i = 0; i < groups.size() && i < failures_shown; ++i) {
      const auto& f = groups[i];
      fmt::print(out,
                 "<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><th "
                 "scope=\"row\">{}</th><td class=\"text\">{}</td><td>{}</td>"
                 "</tr>\n",
                 with_commas(f.count), percent(f.count, all),
                 user_text(f.type, 60), user_text(f.example, 300),
                 user_text(f.task, 60));
    }
  }
  if (groups.size() > failures_shown)
    fmt::print(out,
               "<p class=\"note\">The {} most frequent of {} errors.</p>\n",
               failures_shown, groups.size());
}

} // namespace

void write_stuck(std::ostream& out, const run_report& r) {
  const auto& s = r.summary;
  if (s.stuck.empty())
    return;
  const table t{out,
                "Stuck: tasks that have been RUNNING for more than "
                  + human_duration(s.stuck_after),
                {"Task", "Handler", "#Attempt", "Since", "#For"}};
  for (const auto& task : s.stuck)
    fmt::print(out,
               "<tr><th scope=\"row\">{}</th><td>{}</td><td "
               "class=\"n\">{}</td><td>{}</td><td class=\"n\">{}</td></tr>\n",
               user_text(task.name, 80), user_text(task.handler, 60),
               task.attempt, moment(task.started_at),
               human_duration(s.at - task.started_at));
}

void write_parents(std::ostream& out, const run_report& r) {
  const auto& s = r.summary;
  if (s.parents.empty())
    return;
  fmt::print(out, "<section id=\"fanouts\"><h2>Fan-outs</h2>\n");
  {
    const table t{out,
                  "Tasks that were fanned out, and how their children stand",
                  {"Task", "State", "Handler", "#Children", "By state"}};
    for (std::size_t i = 0;
         i < s.parents.size() && std::cmp_less(i, parents_shown); ++i) {
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
  if (s.parents_total > parents_shown)
    fmt::print(out,
               "<p class=\"note\">{} of {} are listed, those that failed or "
               "have not ended before others.</p>\n",
               parents_shown, with_commas(s.parents_total));
  fmt::print(out, "</section>\n");
}

void write_failures(std::ostream& out, const run_report& r,
                    const std::string& database) {
  const auto& s = r.summary;
  fmt::print(out, "<section id=\"failures\"><h2>Failures by error</h2>\n");
  if (s.failures.empty())
    fmt::print(out, "<p>No task has failed for good.</p>\n");
  else
    write_groups(out,
                 "Tasks that failed for good, grouped by their last error with "
                 "numbers, ids and quoted texts left out",
                 s.failures);
  if (!s.to_retry.empty())
    write_groups(out, "Tasks that wait for a retry, grouped in the same way",
                 s.to_retry);
  const auto& groups = s.failures.empty() ? s.to_retry : s.failures;
  if (groups.empty()) {
    fmt::print(out, "</section>\n");
    return;
  }
  const auto db = " --db " + shell_quoted(database);
  fmt::print(out,
             "<p>To list them all, and to look at one with its output and "
             "events:</p>\n{}{}</section>\n",
             command("orcon task failures " + s.run.id + db),
             command("orcon task show " + shell_quoted(groups.front().task)
                     + " --run " + s.run.id + db));
}

} // namespace orcon::report
