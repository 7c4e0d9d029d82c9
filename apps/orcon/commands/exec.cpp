#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/definition/definition_file.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct exec_command_options {
  std::string file, metrics_file;
};

void add_options(CLI::App& app, exec_command_options& o) {
  app.add_option("file", o.file, "Definition; - is standard input")->required();
  add_work_options(app, o.metrics_file);
}

/// A run that was known may have another name than the definition has now.
std::string name_of(const engine& engine, const submitted_run& run,
                    const run_spec& spec) {
  const auto reader = engine.open_reader();
  const auto known
    = reader && run.existed ? (*reader)->load_run(run.key) : std::nullopt;
  return known ? known->name : spec.name;
}

int execute(const settings& s, const exec_command_options& o) {
  auto definition = read_definition_file(o.file);
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
  const auto code
    = work(*engine, {run->id}, s, signals, {.metrics_file = o.metrics_file});
  if (code != interrupted)
    print_summary(*engine, run->id, s);
  return code;
}

} // namespace

command exec_command() {
  return {.path = "exec",
          .summary = "Submit a run definition (JSON or YAML) and work it to "
                     "its end",
          .examples = "orcon exec checksums.yaml --workers 8\n"
                      "orcon exec nightly.json -o json > report.json",
          .exits = {done, usage, run_failed, run_cancelled, not_found, unusable,
                    interrupted},
          .prepare = with(add_options, execute)};
}

} // namespace orcon
