#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>
#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

std::string error_text(const std::string& last_error) {
  const auto error = parse_stored(last_error);
  if (!error.is_object())
    return "–";
  const auto text = [&](const char* member) {
    const auto found = error.find(member);
    return found != error.end() && found->is_string()
             ? found->get<std::string>()
             : std::string{};
  };
  return "<b>" + user_text(text("type"), 60) + "</b> "
         + user_text(text("message"), 200);
}

void write_attempts(std::ostream& out, const run_report& r) {
  const auto& counts = r.told.by_attempts;
  std::int64_t all = 0, most = 0;
  for (auto n : counts) {
    all += n;
    most = std::max(most, n);
  }
  if (all == 0)
    return;
  const table t{
    out, "How many attempts tasks took", {"#Attempts", "#Tasks", "#Share", ""}};
  for (std::size_t i = 0; i < counts.size(); ++i)
    fmt::print(out,
               "<tr><th scope=\"row\" class=\"n\">{}{}</th><td class=\"n\">{}"
               "</td><td class=\"n\">{}</td><td class=\"wide\">{}</td></tr>\n",
               i + 1, i == 9 ? " or more" : "", with_commas(counts[i]),
               percent(counts[i], all),
               bar_of(counts[i], most, i == 0 ? "" : "retrying"));
}

void write_most_tried(std::ostream& out, const run_report& r) {
  const table t{
    out,
    "Tasks that were tried most often",
    {"Task", "#Attempts", "#Retries", "#Lost leases", "State", "Last error"}};
  for (const auto& task : r.most_tried)
    fmt::print(out,
               "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td "
               "class=\"n\">{} of {}</td><td class=\"n\">{}</td><td>{}</td><td "
               "class=\"text\">{}</td></tr>\n",
               user_text(task.name, 60), task.attempt, task.retry_count,
               task.max_retries, task.lost_count, badge(look(task.state)),
               error_text(task.last_error));
}

} // namespace

void write_retries(std::ostream& out, const run_report& r) {
  const auto& m = r.retries;
  fmt::print(out, "<section id=\"retries\"><h2>Retries</h2>\n");
  const auto card
    = [&](const char* what, const std::string& value, const std::string& more) {
        fmt::print(out, "<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n",
                   what, value, more);
      };
  fmt::print(out, "<dl class=\"cards\">\n");
  card("Retries scheduled", with_commas(r.summary.run.retries),
       "in the whole run");
  card("Retried tasks", with_commas(m.retried),
       percent(m.retried, r.summary.tasks.total()) + " of all tasks");
  card("Succeeded in the end",
       m.retried_settled > 0 ? percent(m.retried_succeeded, m.retried_settled)
                             : std::string{"–"},
       fmt::format("{} of {} retried tasks that settled",
                   with_commas(m.retried_succeeded),
                   with_commas(m.retried_settled)));
  card("Failed for good", with_commas(m.exhausted), "no retry was left");
  card("Attempts a task",
       m.settled > 0 ? fmt::format("{:.2f}", m.average_attempts())
                     : std::string{"–"},
       "on average, settled tasks");
  fmt::print(out, "</dl>\n");
  write_attempts(out, r);
  if (!r.most_tried.empty())
    write_most_tried(out, r);
  fmt::print(out, "</section>\n");
}

} // namespace orcon::report
