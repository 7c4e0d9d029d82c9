#include <CLI/CLI.hpp>
#include <conductor/filters.hpp>
#include <conductor/records_json.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct list_options {
  std::string state, name, since, label, before;
  std::size_t limit = 50;
};

int list(const settings& s, const list_options& o) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto states = run_states_of(o.state);
  if (!states)
    return report_error(states.error());
  const auto since = moment_of(o.since);
  if (!since)
    return report_error(since.error());
  run_query query{.states = *states,
                  .name = o.name,
                  .since = *since,
                  .newest_first = true,
                  .limit = o.limit};
  if (const auto label = add_label(query, o.label); !label)
    return report_error(label.error());
  if (!o.before.empty()) {
    const auto run = find_run(**reader, o.before);
    if (!run)
      return report_error(run.error());
    query.before = run->key;
  }
  std::vector<ordered_json> rows;
  const auto runs = (*reader)->runs(query);
  for (const auto& run : runs) {
    auto row = to_json(run);
    const auto counts = (*reader)->count_leaves(run.key);
    row["counts"] = to_json(counts);
    if (s.output == format::table) {
      row["state"] = state_text(run);
      row["done"] = fmt::format("{}/{}", with_commas(counts.settled()),
                                with_commas(counts.total()));
      row["failed"] = counts.failed;
    }
    rows.push_back(std::move(row));
  }
  print_rows(s, {"id", "name", "state", "done", "failed", "created_at"}, rows);
  if (rows.empty() && s.output == format::table && !s.quiet)
    tell("orcon: no runs match\n");
  query.before = runs.empty() ? 0 : runs.back().key;
  query.limit = 1;
  if (runs.size() == o.limit && !runs.empty()
      && !(*reader)->runs(query).empty())
    say_there_is_more(
      s, "orcon run list" + option("--state", o.state)
           + option("--name", o.name) + option("--since", o.since)
           + option("--label", o.label) + " --before " + runs.back().id);
  return done;
}

void add_options(CLI::App& app, list_options& o) {
  app.add_option("--state", o.state, "Only runs in this state");
  app.add_option("--name", o.name, "Only names that match (*, ?, [abc])");
  app.add_option("--since", o.since,
                 "Only runs created since: 2h (ago), a day, a time");
  app.add_option("--label", o.label,
                 "Only runs with this in their meta: KEY=VALUE");
  app.add_option("--limit", o.limit, "Maximum number of rows (default 50)");
  app.add_option("--before", o.before,
                 "Only runs older than this one: the next page");
}

} // namespace

command run_list_command() {
  return {.path = "run list",
          .summary = "Runs, newest first",
          .examples = "orcon run list --state FAILED --limit 10\n"
                      "orcon run list --name 'nightly*' -o jsonl",
          .exits = {done, usage, not_found, unusable},
          .prepare = with(add_options, list)};
}

} // namespace orcon
