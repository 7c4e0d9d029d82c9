#include "apps/orcon/report/report_page.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon::report {

namespace {

const char* word_of(run_state s) {
  switch (s) {
  case run_state::pending: return "has not begun";
  case run_state::running: return "was running when this page was made";
  case run_state::succeeded: return "succeeded";
  case run_state::failed: return "failed";
  case run_state::cancelled: return "was cancelled";
  }
  return "";
}

/// The colour of the tab's icon, which cannot follow the style of the page.
const char* icon_color(run_state s) {
  switch (s) {
  case run_state::succeeded: return "%231a936f";
  case run_state::failed: return "%23d1450b";
  case run_state::cancelled: return "%239c4f96";
  default: return "%231f78c8";
  }
}

void write_head(std::ostream& out, const run_report& r) {
  const auto& run = r.summary.run;
  // The policy forbids scripts and the network, whatever the page contains.
  fmt::print(
    out,
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
    "'none'; style-src 'unsafe-inline'; img-src data:\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n"
    "<meta name=\"generator\" content=\"orcon {}\">\n"
    "<title>{} {}: Origin Conductor run</title>\n"
    "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg "
    "xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle "
    "cx='8' cy='8' r='7' "
    "fill='{}'/%3E%3C/svg%3E\">\n<style>{}</style></head>\n"
    "<body>{}",
    ORCON_VERSION, escaped(run.name), word_of(run.state), icon_color(run.state),
    style, icon_symbols);
}

void write_header(std::ostream& out, const run_report& r) {
  const auto& run = r.summary.run;
  fmt::print(out,
             "<header><div class=\"what\">Origin Conductor · run "
             "report</div>\n<h1>{}</h1>\n<p class=\"state\">{} <span "
             "class=\"dim\">{}</span></p>\n"
             "<p class=\"facts\">Run <code>{}</code> · created <b>{}</b> · "
             "ended <b>{}</b> · all times are UTC</p></header>\n",
             run.name.empty() ? "(no name)" : user_text(run.name),
             badge(look(run.state), to_string(run.state)),
             settled(run.state) ? "" : word_of(run.state), escaped(run.id),
             moment(run.created_at), moment(run.finished_at));
}

void write_links(std::ostream& out, const run_report& r) {
  fmt::print(out, "<nav aria-label=\"Parts of the page\"><a "
                  "href=\"#summary\">Summary</a><a href=\"#timeline\">Timeline"
                  "</a>");
  const auto link = [&](bool there, const char* id, const char* name) {
    if (there)
      fmt::print(out, "<a href=\"#{}\">{}</a>", id, name);
  };
  link(r.told.complete && !r.told.maps.empty(), "heatmap", "Heat map");
  link(!r.summary.parents.empty(), "fanouts", "Fan-outs");
  link(!r.slowest.empty(), "slowest", "Durations");
  link(true, "failures", "Failures");
  link(true, "retries", "Retries");
  link(true, "configuration", "Configuration");
  fmt::print(out, "</nav>\n");
}

void write_footer(std::ostream& out, const run_report& r,
                  const std::string& database) {
  fmt::print(out,
             "<footer><p>Made {} UTC by orcon {} from the events in the "
             "database, with:</p>{}<p>A <b>task</b> is one unit of the run; a "
             "fanned-out task has <b>children</b>, and only leaves are counted "
             "here. An <b>attempt</b> is one execution of a task. A task is "
             "<b>settled</b> once it has succeeded, been cancelled, or failed "
             "with no retry left. A <b>lost lease</b> is an attempt whose "
             "worker or engine went away; it costs no retry.</p></footer>\n",
             moment(r.made_at), ORCON_VERSION,
             command("orcon run report " + r.summary.run.id + " --db "
                     + shell_quoted(database) + " > run.html"));
}

} // namespace

void write_summary(std::ostream& out, const run_report& r) {
  const auto& s = r.summary;
  const auto& c = s.tasks;
  const auto card
    = [&](const char* what, const std::string& value, const std::string& more) {
        fmt::print(out, "<div><dt>{}</dt><dd>{}<small>{}</small></dd></div>\n",
                   what, value, more);
      };
  fmt::print(out, "<section id=\"summary\"><h2>Summary</h2>\n<dl "
                  "class=\"cards\">\n");
  card("Tasks", with_commas(c.total()),
       c.settled() == c.total() ? "all settled"
                                : percent(c.settled(), c.total()) + " settled");
  card("Succeeded", with_commas(c.succeeded), percent(c.succeeded, c.total()));
  card("Failed", with_commas(c.failed), percent(c.failed, c.total()));
  if (c.cancelled > 0)
    card("Cancelled", with_commas(c.cancelled),
         percent(c.cancelled, c.total()));
  card("Duration", duration(s.duration),
       settled(s.run.state) ? "from creation to end" : "until now");
  if (const auto ms = s.duration.count(); ms > 0 && c.settled() > 0)
    card("Throughput",
         with_commas(static_cast<std::int64_t>(
           static_cast<double>(c.settled()) * 1000 / static_cast<double>(ms))),
         "tasks settled a second");
  card("Retries", with_commas(s.run.retries),
       with_commas(r.retries.retried) + " tasks retried");
  if (r.told.complete)
    card("At once", with_commas(r.told.time.peak()), "attempts at most");
  fmt::print(out,
             "</dl>\n<div class=\"strip\" role=\"img\" "
             "aria-label=\"Tasks by state: {}\">",
             counts_text(c));
  const auto part = [&](std::int64_t n, const char* css) {
    if (n > 0)
      fmt::print(out, "<i class=\"{}\" style=\"flex:{}\"></i>", css, n);
  };
  for (auto state : stacked_states())
    part(count_of(c, state), look(state).css);
  part(c.not_created, "uncreated");
  fmt::print(out, "</div>\n<ul class=\"legend\">");
  for (auto state : stacked_states())
    if (const auto n = count_of(c, state); n > 0)
      fmt::print(out, "<li>{} {} ({})</li>", badge(look(state)), with_commas(n),
                 percent(n, c.total()));
  if (c.not_created > 0)
    fmt::print(out,
               "<li><i class=\"swatch uncreated\"></i>not created yet {}</li>",
               with_commas(c.not_created));
  fmt::print(out, "</ul>\n");
  write_stuck(out, r);
  fmt::print(out, "</section>\n");
}

void write_page(std::ostream& out, const run_report& r,
                const std::string& database) {
  write_head(out, r);
  write_header(out, r);
  write_links(out, r);
  fmt::print(out, "<main>\n");
  write_summary(out, r);
  write_timeline(out, r);
  write_heat_maps(out, r);
  write_parents(out, r);
  write_slowest(out, r);
  write_failures(out, r, database);
  write_retries(out, r);
  write_configuration(out, r);
  fmt::print(out, "</main>\n");
  write_footer(out, r, database);
  fmt::print(out, "</body></html>\n");
}

} // namespace orcon::report
