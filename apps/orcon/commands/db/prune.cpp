#include <CLI/CLI.hpp>
#include <conductor/filters.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/db/prune.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct prune_options {
  std::string before;
  bool dry_run = false;
};

int prune(const settings& s, const prune_options& o) {
  const auto moment = moment_of(o.before);
  if (!moment)
    return report_error(moment.error());
  return prune_and_print(s, {.before = *moment, .dry_run = o.dry_run});
}

void add_options(CLI::App& app, prune_options& o) {
  app
    .add_option("--before", o.before,
                "Runs that ended before: 720h (ago), a day, a time")
    ->required()
    ->type_name("MOMENT");
  app.add_flag("--dry-run", o.dry_run, "Only say what would be deleted");
}

} // namespace

int prune_and_print(const settings& s, prune_request which) {
  which.now = system_now();
  const auto pruned = prune_database(s.database, which);
  if (!pruned)
    return report_error(pruned.error());
  const auto& [runs, tasks, events] = *pruned;
  if (s.output != format::table)
    print_object(s, {{"runs", runs}, {"tasks", tasks}, {"events", events}});
  say(s,
      fmt::format("{} {} run(s), {} tasks, {} events",
                  which.dry_run ? "would delete" : "deleted", with_commas(runs),
                  with_commas(tasks), with_commas(events)));
  return done;
}

command db_prune_command() {
  return {.path = "db prune",
          .summary = "Delete runs that ended long ago, with their tasks and "
                     "events",
          .examples = "orcon db prune --before 720h --dry-run\n"
                      "orcon db prune --before 2026-01-01",
          .exits = {done, usage, not_found, unusable},
          .prepare = with(add_options, prune)};
}

} // namespace orcon
