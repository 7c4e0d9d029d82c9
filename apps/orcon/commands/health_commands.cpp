#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <conductor/metrics.hpp>
#include <conductor/monitor.hpp>
#include <fmt/format.h>
#include <unistd.h>

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

result<milliseconds> duration_of(const std::string& text) {
  const auto d = parse_duration(text);
  if (!d)
    return fail(errc::invalid,
                "\"" + text + "\" is no duration; write 30s, 5m or 2h");
  return *d;
}

/// "10m", or "exec=10m" for one handler.
result<void> add_stuck_after(health_thresholds& limits,
                             const std::string& text) {
  const auto equals = text.find('=');
  const auto d
    = duration_of(equals == std::string::npos ? text : text.substr(equals + 1));
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
    const auto d = duration_of(*text);
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

ordered_json to_json(const health_report& r) {
  ordered_json reasons = ordered_json::array(), stuck = reasons,
               storms = reasons;
  for (const auto& reason : r.reasons)
    reasons.push_back({{"level", to_string(reason.level)},
                       {"what", reason.what},
                       {"advice", reason.advice}});
  for (const auto& t : r.stuck)
    stuck.push_back({{"id", t.id},
                     {"name", t.name},
                     {"handler", t.handler},
                     {"attempt", t.attempt},
                     {"running_ms", (r.at - t.started_at).count()}});
  for (const auto& s : r.storms)
    storms.push_back({{"type", s.type},
                      {"message", s.message},
                      {"tasks", s.tasks},
                      {"at_least", s.at_least},
                      {"task", s.task},
                      {"retry_count", s.most_retries},
                      {"run_id", s.run_id}});
  return {{"status", to_string(r.status)},
          {"at", to_iso(r.at)},
          {"reasons", std::move(reasons)},
          {"counts", orcon::to_json(r.tasks)},
          {"runs_open", r.runs_open},
          {"stuck", std::move(stuck)},
          {"retry_storms", std::move(storms)},
          {"failure_rate", r.failure_rate},
          {"attempts_in_window", r.attempts_in_window},
          {"oldest_due_ms", r.oldest_due.count()},
          {"commit_p99_ms", r.commit_p99_seconds * 1000},
          {"subscriber_lag", r.subscriber_lag},
          {"engine_pid",
           r.engine_pid ? ordered_json(r.engine_pid) : ordered_json(nullptr)},
          {"database_bytes", r.database_bytes},
          {"wal_bytes", r.wal_bytes},
          {"disk_free_bytes", r.disk_free_bytes}};
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

std::string name_of(const metric& m, const sample& one) {
  auto name = m.name;
  for (const auto& [label, value] : one.labels)
    name += " " + label + "=" + value;
  return name;
}

ordered_json row_of(const metric& m, const sample& one) {
  ordered_json row{{"metric", m.name}, {"labels", ordered_json::object()}};
  for (const auto& [label, value] : one.labels)
    row["labels"][label] = value;
  if (m.kind != metric_kind::histogram) {
    row["value"] = one.value;
    return row;
  }
  std::int64_t count = 0;
  for (auto n : one.counts)
    count += n;
  row["count"] = count;
  row["sum"] = one.sum;
  // A batch is of at least one, wherever in its bucket a quantile falls.
  const auto least
    = count > 0 && m.name == "orcon_commit_batch_size" ? 1.0 : 0.0;
  row["p50"] = std::max(least, quantile(one, 0.5));
  row["p99"] = std::max(least, quantile(one, 0.99));
  row["bounds"] = one.bounds;
  row["counts"] = one.counts;
  return row;
}

void print_for_people(const std::vector<metric>& metrics, const settings& s) {
  std::vector<ordered_json> rows;
  for (const auto& m : metrics)
    for (const auto& one : m.samples) {
      const auto row = row_of(m, one);
      const auto value
        = m.kind == metric_kind::histogram
            ? fmt::format("{} values, half below {:.3g}, 99% below {:.3g}",
                          with_commas(row["count"].get<std::int64_t>()),
                          row["p50"].get<double>(), row["p99"].get<double>())
            : fmt::format("{}", one.value);
      rows.push_back({{"metric", name_of(m, one)}, {"value", value}});
    }
  print_rows(s, {"metric", "value"}, rows);
}

int show_statistics(settings s, const std::string& output) {
  if (output == "json" || output == "jsonl")
    s.output = output == "json" ? format::json : format::jsonl;
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  auto metrics = measure(**reader, s.database, system_now());
  std::ranges::move(measure_retried(**reader), std::back_inserter(metrics));
  if (output == "prometheus") {
    put("{}", to_prometheus(metrics));
  } else if (s.output == format::table) {
    print_for_people(metrics, s);
  } else {
    std::vector<ordered_json> rows;
    for (const auto& m : metrics)
      for (const auto& one : m.samples)
        rows.push_back(row_of(m, one));
    print_rows(s, {}, rows);
  }
  return done;
}

} // namespace

void add_health_commands(CLI::App& app, const commands& c) {
  auto* command = app.add_subcommand(
    "health", "Whether all is well; if not, why, and what to do");
  command->fallthrough();
  auto o = std::make_shared<health_options>();
  command
    ->add_option("--stuck-after", o->stuck_after,
                 "A task RUNNING for longer is stuck: 10m, or exec=10m "
                 "for one handler (default 5m)")
    ->type_name("[HANDLER=]D");
  command
    ->add_option("--window", o->window,
                 "How far back failures are counted (default 5m)")
    ->type_name("D");
  command
    ->add_option("--failure-rate", o->failure_rate,
                 "Percent of failed attempts that warn (default 10)")
    ->check(CLI::Range(0.0, 100.0))
    ->type_name("PERCENT");
  command
    ->add_option("--due-after", o->due,
                 "A due task that waits for longer warns (default 1m)")
    ->type_name("D");
  command->callback(
    [c, o] { c.chosen = [c, o] { return show_health(c.common, *o); }; });

  auto* stats = app.add_subcommand(
    "stats", "Counters, gauges and histograms, also as Prometheus reads them");
  stats->fallthrough();
  // Its own -o: one format more than elsewhere.
  auto output = std::make_shared<std::string>();
  stats->add_option("-o,--output", *output, "table, json, jsonl or prometheus")
    ->check(CLI::IsMember({"table", "json", "jsonl", "prometheus"}))
    ->type_name("FORMAT");
  stats->callback([c, output] {
    c.chosen = [c, output] { return show_statistics(c.common, *output); };
  });
}

} // namespace orcon
