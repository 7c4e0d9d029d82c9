#include <CLI/CLI.hpp>
#include <conductor/monitor.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"

namespace orcon {

using namespace conductor;

namespace {

void add_options(CLI::App& app, std::string& run) {
  app.add_option("run", run, "Id of the run (default: the newest)");
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

command run_show_command() {
  return {.path = "run show",
          .summary = "State of a run: counts, failures by error",
          .examples = "orcon run show                     the newest run\n"
                      "orcon run show last -o json",
          .exits = {done, not_found, unusable},
          .prepare = with(add_options, show)};
}

} // namespace orcon
