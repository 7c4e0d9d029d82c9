#include <CLI/CLI.hpp>
#include <conductor/engine.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/change.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/output.hpp"

// Changes of a run that has not settled: cancel, pause, unpause, update.
namespace orcon {

using namespace conductor;

namespace {

struct run_change_options {
  std::string run, deadline;
  std::int32_t priority = 0;
  bool all = false;
};

result<moment> deadline_of(const std::string& text) {
  if (text.empty())
    return moment{};
  if (const auto delay = parse_duration(text))
    return moment{.delay = *delay};
  if (const auto at = parse_utc(text))
    return moment{.at = *at};
  return fail(errc::invalid, text
                               + " is neither a duration such as 90s nor a "
                                 "time such as 2026-11-24T18:00:00Z");
}

int apply(const settings& s, const run_change_options& o, run_change::kind what,
          std::string_view done_text) {
  run_change change{.what = what, .priority = o.priority};
  const auto deadline = deadline_of(o.deadline);
  if (!deadline)
    return report_error(deadline.error());
  change.deadline = *deadline;
  if (!o.all) {
    const auto reader = open_reader(s);
    if (!reader)
      return report_error(reader.error());
    const auto run = find_run(**reader, o.run);
    if (!run)
      return report_error(run.error());
    change.run_id = run->id;
  }
  const auto cancels = what == run_change::kind::cancel;
  auto engine = open_for_change(s, cancels);
  if (!engine)
    return report_error(engine.error());
  const auto reply = engine->change(change);
  if (!reply)
    return report_error(reply.error());
  if (cancels)
    if (const auto state = engine->wait(change.run_id, longest_wait); !state)
      return report_error(state.error());
  return print_change(s, *reply, done_text);
}

int cancel(const settings& s, const run_change_options& o) {
  return apply(s, o, run_change::kind::cancel, "cancelled");
}
int pause(const settings& s, const run_change_options& o) {
  return apply(s, o, run_change::kind::pause, "paused");
}
int unpause(const settings& s, const run_change_options& o) {
  return apply(s, o, run_change::kind::unpause, "unpaused");
}
int update(const settings& s, const run_change_options& o) {
  if (o.priority == 0 && o.deadline.empty())
    return report_error(
      {errc::invalid, "say what to change: --priority, --deadline"});
  return apply(s, o, run_change::kind::update, "updated");
}

void add_run(CLI::App& app, run_change_options& o) {
  app.add_option("run", o.run, "Id of the run (default: the newest)");
}
void add_run_or_all(CLI::App& app, run_change_options& o) {
  add_run(app, o);
  app.add_flag("--all", o.all, "All runs of the database, later ones included");
}
void add_update(CLI::App& app, run_change_options& o) {
  add_run(app, o);
  app.add_option("--priority", o.priority, "From 1 (first) to 5 (last)")
    ->check(CLI::Range(1, 5));
  app.add_option("--deadline", o.deadline,
                 "A duration from now, or a time (ISO 8601, UTC)");
}

} // namespace

command run_cancel_command() {
  return {.path = "run cancel",
          .summary = "End a run: what has not settled becomes CANCELLED",
          .examples = "orcon run cancel last",
          .exits = {done, not_found, conflict, unusable},
          .prepare = with(add_run, cancel)};
}

command run_pause_command() {
  return {.path = "run pause",
          .summary = "Begin nothing more of a run until it is unpaused",
          .help = "What runs may end, and its result counts.",
          .examples = "orcon run pause last\norcon run pause --all",
          .exits = {done, not_found, conflict, unusable},
          .prepare = with(add_run_or_all, pause)};
}

command run_unpause_command() {
  return {.path = "run unpause",
          .summary = "Let a paused run continue",
          .examples = "orcon run unpause last && orcon resume",
          .exits = {done, not_found, conflict, unusable},
          .prepare = with(add_run_or_all, unpause)};
}

command run_update_command() {
  return {.path = "run update",
          .summary = "Change the priority or the deadline of a run",
          .examples = "orcon run update last --priority 1\n"
                      "orcon run update last --deadline 2h",
          .exits = {done, usage, not_found, conflict, unusable},
          .prepare = with(add_update, update)};
}

} // namespace orcon
