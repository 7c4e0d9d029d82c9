#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/default_database.hpp"
#include "apps/orcon/definition/definition_file.hpp"
#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::ptrdiff_t summaries_printed = 20;

/// A run that was known may have another name than the definition has now.
std::string name_of(const engine& engine, const submitted_run& run,
                    const run_spec& spec) {
  const auto reader = engine.open_reader();
  const auto known
    = reader && run.existed ? (*reader)->load_run(run.key) : std::nullopt;
  return known ? known->name : spec.name;
}

int execute(const settings& s, const std::string& file) {
  auto definition = read_definition_file(file);
  if (definition.exit_code != done)
    return definition.exit_code;
  const signal_guard signals;
  const auto is_new = !has_database(s);
  auto engine = open_engine(s);
  if (!engine)
    return report_error(engine.error());
  const auto run = engine->submit(definition.spec);
  if (!run)
    return refuse(*engine, s, is_new, run.error());
  if (!s.quiet)
    tell("orcon: run {} ({}) in {}{}\n", run->id,
         name_of(*engine, *run, definition.spec), s.database,
         run->existed ? ", known by its idempotency_key" : "");
  const auto code = work(*engine, {run->id}, s, signals);
  if (code != interrupted)
    print_summary(*engine, run->id, s);
  return code;
}

int start(const settings& s, const std::string& file) {
  auto definition = read_definition_file(file);
  if (definition.exit_code != done)
    return definition.exit_code;
  const auto is_new = !has_database(s);
  if (const auto refused = make_database_folder(s))
    return report_error(refused);
  auto opened = engine::open({.database = s.database, .work = false});
  if (!opened)
    return report_error(opened.error());
  const auto run = opened->submit(definition.spec);
  if (!run)
    return refuse(*opened, s, is_new, run.error());
  if (s.output == format::table)
    put("{}\n", run->id);
  else
    print_object(s, {{"id", run->id}, {"existed", run->existed}});
  if (!s.quiet)
    tell("orcon: {} in {}; work it with:  {}\n",
         run->existed ? "known by its idempotency_key" : "accepted", s.database,
         with_database(s, "orcon resume " + run->id));
  return done;
}

result<std::vector<std::string>> unfinished(store_reader& reader,
                                            const std::string& id) {
  if (!id.empty()) {
    auto run = find_run(reader, id);
    if (!run)
      return tl::unexpected(run.error());
    return std::vector{run->id};
  }
  std::vector<std::string> ids;
  for (run_key after = 0;;) {
    const auto page = reader.load_open_runs(after, 1000);
    for (const auto& run : page)
      ids.push_back(run.id);
    if (page.size() < 1000)
      return ids;
    after = page.back().key;
  }
}

int resume(const settings& s, const std::string& id) {
  const signal_guard signals;
  auto engine = open_engine(s, false);
  if (!engine)
    return report_error(engine.error());
  const auto reader = engine->open_reader();
  if (!reader)
    return report_error(reader.error());
  const auto ids = unfinished(**reader, id);
  if (!ids)
    return report_error(ids.error());
  if (ids->empty()) {
    if (!s.quiet)
      tell("orcon: nothing to resume: every run of {} has ended\n", s.database);
    print_summaries(*engine, {}, s);
    return done;
  }
  say(s, fmt::format("working {} run(s) in {}", ids->size(), s.database));
  const auto code = work(*engine, *ids, s, signals);
  if (code != interrupted)
    print_summaries(*engine,
                    {ids->begin(), ids->begin()
                                     + std::min<std::ptrdiff_t>(
                                       std::ssize(*ids), summaries_printed)},
                    s);
  return code;
}

} // namespace

void add_work_commands(CLI::App& app, const commands& c) {
  auto* exec = app.add_subcommand(
    "exec", "Submit a run definition (JSON or YAML) and work it to its end");
  exec->fallthrough();
  auto file = std::make_shared<std::string>();
  exec->add_option("file", *file, "Definition; - is standard input")
    ->required();
  add_work_options(*exec, c.common);
  exec->callback(
    [c, file] { c.chosen = [c, file] { return execute(c.common, *file); }; });

  auto* go_on = app.add_subcommand(
    "resume", "Go on with unfinished runs of the database");
  go_on->fallthrough();
  auto id = std::make_shared<std::string>();
  go_on->add_option("run", *id,
                    "Id of a run (default: all that are unfinished)");
  add_work_options(*go_on, c.common);
  go_on->callback(
    [c, id] { c.chosen = [c, id] { return resume(c.common, *id); }; });
}

/// `orcon run start`, registered with the other commands on runs.
int start_run(const settings& s, const std::string& file) {
  return start(s, file);
}

} // namespace orcon
