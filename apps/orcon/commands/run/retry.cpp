
#include <CLI/CLI.hpp>
#include <conductor/filters.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct retry_options {
  std::string run, task, state, name, error;
  bool dry_run = false;
};

/// The run and the tasks that the options name.
result<std::pair<std::string, retry_filter>> chosen_by(const settings& s,
                                                       const retry_options& o) {
  const auto reader = open_reader(s);
  if (!reader)
    return tl::unexpected(reader.error());
  const auto states = task_states_of(o.state);
  if (!states)
    return tl::unexpected(states.error());
  retry_filter which{.states = *states, .name = o.name, .error = o.error};
  if (o.task.empty()) {
    const auto run = find_run(**reader, o.run);
    if (!run)
      return tl::unexpected(run.error());
    return std::pair{run->id, which};
  }
  const auto task = find_task(**reader, o.task, o.run);
  if (!task)
    return tl::unexpected(task.error());
  which.name = exactly(task->name);
  return std::pair{task->run_id, which};
}

int retry(const settings& s, const retry_options& o) {
  const auto chosen = chosen_by(s, o);
  if (!chosen)
    return report_error(chosen.error());
  auto engine
    = engine::open({.database = s.database, .work = false, .create = false});
  if (!engine)
    return report_error(engine.error());
  const auto& [run, which] = *chosen;
  const auto retried = engine->retry(run, which, o.dry_run);
  if (!retried)
    return report_error(retried.error());
  if (s.output != format::table)
    print_object(s, {{"run", run},
                     {"tasks", retried->tasks},
                     {"dependents", retried->dependents}});
  if (s.quiet)
    return done;
  const auto along = retried->dependents > 0
                       ? fmt::format(", and {} that were skipped wait again",
                                     with_commas(retried->dependents))
                       : std::string{};
  if (o.dry_run)
    tell("orcon: {} task(s) would be tried again{}; nothing was changed\n",
         with_commas(retried->tasks), along);
  else
    tell("orcon: {} task(s) will be tried again{}; work them with:  {}\n",
         with_commas(retried->tasks), along,
         with_database(s, "orcon resume " + run));
  return done;
}

void add_run_options(CLI::App& app, retry_options& o) {
  app.add_option("run", o.run, "Id of the run (default: the newest)");
  app
    .add_option("--state", o.state,
                "Only FAILED or only CANCELLED ones (default: both)")
    ->check(CLI::IsMember({"FAILED", "CANCELLED"}, CLI::ignore_case));
  app.add_option("--name", o.name, "Only names that match (*, ?, [abc])");
  app.add_option("--error", o.error,
                 "Only errors of this type, e.g. exit or timeout");
  app.add_flag("--dry-run", o.dry_run, "Say what would be tried again");
}

void add_task_options(CLI::App& app, retry_options& o) {
  app.add_option("task", o.task, "Id, or name within a run such as hash#12")
    ->required();
  app.add_option("--run", o.run, "The run of the name (default: the newest)");
  app.add_flag("--dry-run", o.dry_run, "Say what would be tried again");
}

} // namespace

command run_retry_command() {
  return {.path = "run retry",
          .summary = "Give what did not succeed in a run one more try",
          .examples = "orcon run retry last && orcon resume\n"
                      "orcon run retry --error timeout --name 'hash#*'",
          .exits = {done, usage, not_found, conflict, unusable},
          .prepare = with(add_run_options, retry)};
}

command task_retry_command() {
  return {.path = "task retry",
          .summary = "Give one task that did not succeed one more try",
          .examples = "orcon task retry hash#12 && orcon resume",
          .exits = {done, not_found, conflict, unusable},
          .prepare = with(add_task_options, retry)};
}

} // namespace orcon
