#include <CLI/CLI.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/db/prune.hpp"

namespace orcon {

using namespace conductor;

namespace {

int delete_run(const settings& s, const std::string& id) {
  std::optional<run_key> key;
  {
    const auto reader = open_reader(s);
    if (!reader)
      return report_error(reader.error());
    const auto run = find_run(**reader, id);
    if (!run)
      return report_error(run.error());
    key = run->key;
  }
  return prune_and_print(s, {.run = key});
}

void add_options(CLI::App& app, std::string& run) {
  app.add_option("run", run, "Id of the run, or \"last\"")->required();
}

} // namespace

command run_delete_command() {
  return {.path = "run delete",
          .summary = "Delete a run that has ended, with its tasks and events",
          .examples = "orcon run delete last",
          .exits = {done, not_found, conflict, unusable},
          .prepare = with(add_options, delete_run)};
}

} // namespace orcon
