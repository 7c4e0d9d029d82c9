#include <chrono>
#include <cstdio>
#include <thread>

#include <CLI/CLI.hpp>
#include <conductor/filters.hpp>
#include <conductor/monitor.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/progress.hpp"

namespace orcon {

using namespace conductor;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto look_every = 100ms;

struct watch_options {
  std::string run, timeout;
};

/// Looks at a run until it is settled, beside whatever engine works on it.
/// Returns the exit code; `show` draws progress.
int follow(const settings& s, const watch_options& o, bool show) {
  std::optional<milliseconds> patience;
  if (!o.timeout.empty()) {
    const auto given = duration_from(o.timeout);
    if (!given)
      return report_error(given.error());
    patience = *given;
  }
  const auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  auto run = find_run(**reader, o.run);
  if (!run)
    return report_error(run.error());
  const signal_guard signals;
  progress bars{s};
  const auto begin = steady::now();
  while (!settled(run->state)) {
    if (signals.stop_wanted())
      return interrupted;
    if (patience && steady::now() - begin >= *patience) {
      if (show)
        bars.show(**reader, {run->key}, true);
      return report_error({errc::timeout, "run " + run->id + " is still "
                                            + to_string(run->state) + " after "
                                            + o.timeout});
    }
    if (show)
      bars.show(**reader, {run->key}, false);
    std::this_thread::sleep_for(look_every);
    run = *(*reader)->load_run(run->key);
  }
  if (show) {
    bars.show(**reader, {run->key}, true);
    print_summary(**reader, summarise(**reader, run->key, system_now()), s);
  }
  return exit_code_of(run->state);
}

int watch(const settings& s, const watch_options& o) {
  return follow(s, o, true);
}

int wait(const settings& s, const watch_options& o) {
  return follow(s, o, false);
}

void add_options(CLI::App& app, watch_options& o) {
  app.add_option("run", o.run, "Id of the run (default: the newest)");
  app
    .add_option("--timeout", o.timeout,
                "Give up after this long, with exit code 8")
    ->type_name("D");
}

} // namespace

command run_watch_command() {
  return {.path = "run watch",
          .summary = "Follow a run that an engine works on",
          .examples = "orcon run watch\n"
                      "orcon run watch last --timeout 10m",
          .exits = {done, usage, run_failed, run_cancelled, not_found, unusable,
                    timed_out, interrupted},
          .prepare = with(add_options, watch)};
}

command run_wait_command() {
  return {.path = "run wait",
          .summary = "Wait until a run has ended; prints nothing",
          .examples = "orcon run wait last --timeout 10m && echo ready",
          .exits = {done, usage, run_failed, run_cancelled, not_found, unusable,
                    timed_out, interrupted},
          .prepare = with(add_options, wait)};
}

} // namespace orcon
