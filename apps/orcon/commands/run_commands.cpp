#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <conductor/monitor.hpp>
#include <fmt/format.h>

#include "apps/orcon/commands/filters.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

int start_run(const settings& s, const std::string& file);
void add_report_command(CLI::App& run_group, const commands& c);

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

int show(const settings& s, const std::string& id) {
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto run = find_run(**reader, id);
  if (!run)
    return report_error(run.error());
  print_summary(**reader, summarise(**reader, run->key, system_now()), s);
  return done;
}

} // namespace

void add_run_commands(CLI::App& app, const commands& c) {
  auto* group = app.add_subcommand(
    "run", "Runs: start, list, show, watch, wait, report, retry, delete");
  group->require_subcommand(1);
  group->fallthrough();

  auto* start
    = group->add_subcommand("start", "Submit a definition without working it");
  start->fallthrough();
  auto file = std::make_shared<std::string>();
  start->add_option("file", *file, "Definition; - is standard input")
    ->required();
  start->callback(
    [c, file] { c.chosen = [c, file] { return start_run(c.common, *file); }; });

  auto* list_command = group->add_subcommand("list", "Runs, newest first");
  list_command->fallthrough();
  auto o = std::make_shared<list_options>();
  list_command->add_option("--state", o->state, "Only runs in this state");
  list_command->add_option("--name", o->name,
                           "Only names that match (*, ?, [abc])");
  list_command->add_option("--since", o->since,
                           "Only runs created since: 2h (ago), a day, a time");
  list_command->add_option("--label", o->label,
                           "Only runs with this in their meta: KEY=VALUE");
  list_command->add_option("--limit", o->limit, "At most so many (default 50)");
  list_command->add_option("--before", o->before,
                           "Only runs older than this one: the next page");
  list_command->callback(
    [c, o] { c.chosen = [c, o] { return list(c.common, *o); }; });

  auto* show_command = group->add_subcommand(
    "show", "How a run stands: state, counts, failures by error");
  show_command->fallthrough();
  auto id = std::make_shared<std::string>();
  show_command->add_option("run", *id, "Id of the run (default: the newest)");
  show_command->callback(
    [c, id] { c.chosen = [c, id] { return show(c.common, *id); }; });

  add_watch_commands(*group, c);
  add_run_retry_command(*group, c);
  add_delete_command(*group, c);
  add_report_command(*group, c);
}

} // namespace orcon
