#include <algorithm>

#include <CLI/CLI.hpp>
#include <conductor/filters.hpp>
#include <conductor/monitor.hpp>
#include <conductor/records_json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct health_options {
  std::vector<std::string> stuck_after;
  std::string window, due;
  double failure_rate = -1;
};

/// "10m", or "exec=10m" for one handler.
result<void> add_stuck_after(health_thresholds& limits,
                             const std::string& text) {
  const auto equals = text.find('=');
  const auto d = duration_from(
    equals == std::string::npos ? text : text.substr(equals + 1));
  if (!d)
    return tl::unexpected(d.error());
  if (equals == std::string::npos)
    limits.stuck_after = *d;
  else
    limits.stuck_after_of[text.substr(0, equals)] = *d;
  return {};
}

result<health_thresholds> thresholds_of(const health_options& o) {
  health_thresholds limits;
  for (const auto& text : o.stuck_after)
    if (const auto added = add_stuck_after(limits, text); !added)
      return tl::unexpected(added.error());
  for (const auto& [text, limit] : {std::pair{&o.window, &limits.window},
                                    std::pair{&o.due, &limits.warning_due}}) {
    if (text->empty())
      continue;
    const auto d = duration_from(*text);
    if (!d)
      return tl::unexpected(d.error());
    *limit = *d;
  }
  if (o.failure_rate >= 0)
    limits.warning_failure_rate = o.failure_rate / 100;
  limits.critical_failure_rate
    = std::max(limits.critical_failure_rate, limits.warning_failure_rate);
  return limits;
}

std::string megabytes(std::int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

void print_for_people(const health_report& r, const settings& s) {
  const auto color = use_color(s, STDOUT_FILENO);
  put("{}\n", paint_state(to_string(r.status), color));
  for (const auto& reason : r.reasons)
    put("  {}  {}\n    {}\n", paint_state(to_string(reason.level), color),
        reason.what, reason.advice);
  put("engine    {}\n",
      r.engine_pid ? fmt::format("runs, pid {}", r.engine_pid) : "none runs");
  put("runs      {} open\n", with_commas(r.runs_open));
  put("tasks     {} waiting, {} running, {} to retry, {} succeeded, {} "
      "failed\n",
      with_commas(r.tasks.pending + r.tasks.not_created),
      with_commas(r.tasks.running), with_commas(r.tasks.retrying),
      with_commas(r.tasks.succeeded), with_commas(r.tasks.failed));
  if (r.attempts_in_window > 0)
    put("failures  {:.1f}% of the last {} attempts\n", r.failure_rate * 100,
        with_commas(r.attempts_in_window));
  if (r.oldest_due.count() > 0)
    put("queue     the oldest due task has waited {}\n",
        human_duration(r.oldest_due));
  put("storage   {} database, {} log, {} free\n", megabytes(r.database_bytes),
      megabytes(r.wal_bytes), megabytes(r.disk_free_bytes));
}

/// They may come with a later run; a name that was misspelled will not.
void warn_of_unknown_handlers(const settings& s, store_reader& reader,
                              const health_thresholds& limits) {
  if (limits.stuck_after_of.empty())
    return;
  const auto known = reader.count_by_handler(0);
  for (const auto& [handler, after] : limits.stuck_after_of)
    if (std::ranges::find(known, handler, &handler_count::handler)
        == known.end())
      say(s, "no task has the handler \"" + handler
               + "\" of --stuck-after; `orcon stats` shows those there are");
}

int show_health(const settings& s, const health_options& o) {
  const auto limits = thresholds_of(o);
  if (!limits)
    return report_error(limits.error());
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  warn_of_unknown_handlers(s, **reader, *limits);
  auto report = assess_health(
    observe(**reader, s.database, system_now(), *limits), *limits);
  for (auto& reason : report.reasons)
    reason.advice = with_databases(s, reason.advice);
  if (s.output != format::table)
    print_object(s, to_json(report));
  else if (s.quiet)
    put("{}\n", to_string(report.status));
  else
    print_for_people(report, s);
  return report.status == health::critical ? critical : done;
}

void add_options(CLI::App& app, health_options& o) {
  app
    .add_option("--stuck-after", o.stuck_after,
                "A task RUNNING for longer is stuck: 10m, or exec=10m "
                "for one handler (default 5m)")
    ->type_name("[HANDLER=]D");
  app
    .add_option("--window", o.window,
                "How far back failures are counted (default 5m)")
    ->type_name("D");
  app
    .add_option("--failure-rate", o.failure_rate,
                "Percent of failed attempts that warn (default 10)")
    ->check(CLI::Range(0.0, 100.0))
    ->type_name("PERCENT");
  app
    .add_option("--due-after", o.due,
                "A due task that waits for longer warns (default 1m)")
    ->type_name("D");
}

} // namespace

command health_command() {
  return {.path = "health",
          .summary = "Whether all is well; if not, why, and what to do",
          .examples = "orcon health --stuck-after exec=1h\n"
                      "orcon health -o json | jq .reasons",
          .exits = {done, usage, not_found, unusable, critical},
          .prepare = with(add_options, show_health)};
}

} // namespace orcon
