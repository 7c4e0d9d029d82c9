#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/commands/filters.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct retry_options {
  std::string run, task, state, name, error;
};

/// A pattern that matches one name, whatever characters it has.
std::string exactly(const std::string& name) {
  std::string pattern;
  for (auto c : name)
    if (c == '*' || c == '?' || c == '[')
      pattern += std::string{'['} + c + ']';
    else
      pattern += c;
  return pattern;
}

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
  const auto retried = engine->retry(run, which);
  if (!retried)
    return report_error(retried.error());
  if (s.output != format::table)
    print_object(s, {{"run", run}, {"tasks", *retried}});
  if (!s.quiet)
    tell("orcon: {} task(s) will be tried again; work them with:  "
         "{}\n",
         with_commas(*retried), with_database(s, "orcon resume " + run));
  return done;
}

} // namespace

void add_run_retry_command(CLI::App& run_group, const commands& c) {
  auto* command = run_group.add_subcommand(
    "retry", "Give what did not succeed in a run one more try");
  command->fallthrough();
  auto o = std::make_shared<retry_options>();
  command->add_option("run", o->run, "Id of the run (default: the newest)");
  command
    ->add_option("--state", o->state,
                 "Only FAILED or only CANCELLED ones (default: both)")
    ->check(CLI::IsMember({"FAILED", "CANCELLED"}, CLI::ignore_case));
  command->add_option("--name", o->name, "Only names that match (*, ?, [abc])");
  command->add_option("--error", o->error,
                      "Only errors of this type, e.g. exit or timeout");
  command->callback(
    [c, o] { c.chosen = [c, o] { return retry(c.common, *o); }; });
}

void add_task_retry_command(CLI::App& task_group, const commands& c) {
  auto* command = task_group.add_subcommand(
    "retry", "Give one task that did not succeed one more try");
  command->fallthrough();
  auto o = std::make_shared<retry_options>();
  command
    ->add_option("task", o->task, "Id, or name within a run such as hash#12")
    ->required();
  command->add_option("--run", o->run,
                      "The run of the name (default: the newest)");
  command->callback(
    [c, o] { c.chosen = [c, o] { return retry(c.common, *o); }; });
}

} // namespace orcon
