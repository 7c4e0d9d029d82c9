#include <chrono>
#include <cstdio>
#include <thread>

#include <CLI/CLI.hpp>
#include <conductor/monitor.hpp>
#include <fmt/format.h>

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
    patience = parse_duration(o.timeout);
    if (!patience)
      return report_error(
        {errc::invalid, "\"" + o.timeout
                          + "\" is no duration; write 30s, 5m "
                            "or 2h"});
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

void add(CLI::App& group, const commands& c, const char* name, const char* text,
         bool show) {
  auto* command = group.add_subcommand(name, text);
  command->fallthrough();
  auto o = std::make_shared<watch_options>();
  command->add_option("run", o->run, "Id of the run (default: the newest)");
  command
    ->add_option("--timeout", o->timeout,
                 "Give up after this long, with exit code 8")
    ->type_name("D");
  command->callback(
    [=] { c.chosen = [=] { return follow(c.common, *o, show); }; });
}

} // namespace

void add_watch_commands(CLI::App& run_group, const commands& c) {
  add(run_group, c, "watch", "Follow a run that an engine works on", true);
  add(run_group, c, "wait", "Wait until a run has ended; prints nothing",
      false);
}

} // namespace orcon
