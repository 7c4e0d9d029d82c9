#include <thread>

#include <sys/resource.h>

#include "apps/orcon/bench/bench.hpp"

namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

double processor_seconds() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The share of one processor that an engine with nothing to do takes, after
/// it has done some work.
int bench_idle(const bench_request& r) {
  auto t = trial::open(r);
  if (!t)
    return report_error(t.error());
  const auto code
    = (*t)->work(run_spec{"bench idle"}.task("noop").fanout(r.tasks));
  if (code != done)
    return code;
  std::this_thread::sleep_for(500ms); // checkpoints and late news
  const auto begin = bench_clock::now();
  const auto used = processor_seconds();
  while (!(*t)->interrupted()
         && seconds_since(begin) < static_cast<double>(r.seconds))
    std::this_thread::sleep_for(500ms);
  const auto seconds = seconds_since(begin);
  const auto share = (processor_seconds() - used) / seconds;
  if ((*t)->interrupted())
    return interrupted;
  return (*t)->report(
    "idle", {r.tasks, seconds},
    {{"tasks_per_second", nullptr}, {"cpu_percent", rounded(share * 100)}});
}

void add_idle_options(CLI::App& app, bench_request& r) {
  r.seconds = 30;
  add_count(app, "--seconds", r.seconds, "How long to measure", 86'400);
}

} // namespace

command bench_idle_command() {
  return benchmark({.path = "bench idle",
                    .summary = "Cost of an engine with nothing to do",
                    .examples = "orcon bench idle --seconds 2"},
                   1000, bench_idle, add_idle_options);
}

} // namespace orcon
