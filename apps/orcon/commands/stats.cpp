#include <algorithm>

#include <CLI/CLI.hpp>
#include <conductor/metrics.hpp>
#include <conductor/monitor.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

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

int show_statistics(const settings& given, const std::string& output) {
  auto s = given;
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

/// Its own -o: one format more than elsewhere.
void add_options(CLI::App& app, std::string& output) {
  app.add_option("-o,--output", output, "table, json, jsonl or prometheus")
    ->check(CLI::IsMember({"table", "json", "jsonl", "prometheus"}))
    ->type_name("FORMAT");
}

} // namespace

command stats_command() {
  return {.path = "stats",
          .summary = "Counters, gauges and histograms, also as Prometheus "
                     "reads them",
          .examples = "orcon stats\n"
                      "orcon stats -o prometheus          as Prometheus reads "
                      "it",
          .exits = {done, usage, not_found, unusable},
          .prepare = with(add_options, show_statistics)};
}

} // namespace orcon
