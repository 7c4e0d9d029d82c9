#include "apps/orcon/bench/bench.hpp"

// Benchmarks of one fan-out with a handler that comes built in.
namespace orcon {

using namespace conductor;

namespace {

int measure(const bench_request& r, const std::string& name,
            const run_spec& spec) {
  auto t = trial::open(r);
  if (!t)
    return report_error(t.error());
  (*t)->engine().start();
  const auto begin = bench_clock::now();
  if (const auto code = (*t)->work(spec); code != done)
    return code;
  return (*t)->report(name, {r.tasks, seconds_since(begin)});
}

int bench_fanout(const bench_request& r) {
  return measure(r, "fanout",
                 run_spec{"bench fanout"}.task("noop").fanout(r.tasks));
}

int bench_exec(const bench_request& r) {
  return measure(r, "exec",
                 run_spec{"bench exec"}.task("exec").fanout(r.tasks).input(
                   R"({"argv":["/bin/true"],"stdout":"discard"})"));
}

/// How much of the time that the slots have is spent asleep, as asked for.
int bench_sleep(const bench_request& r) {
  constexpr unsigned default_slots = 1000;
  constexpr double nap = 0.010;
  auto request = r;
  if (request.common.workers == 0)
    request.common.workers = default_slots;
  auto t = trial::open(request);
  if (!t)
    return report_error(t.error());
  (*t)->engine().start();
  const auto begin = bench_clock::now();
  const auto code
    = (*t)->work(run_spec{"bench sleep"}.task("sleep").fanout(r.tasks).input(
      R"({"duration":"10ms"})"));
  if (code != done)
    return code;
  const auto seconds = seconds_since(begin);
  const auto slots = request.common.workers;
  return (*t)->report("sleep", {r.tasks, seconds},
                      {{"slots", slots},
                       {"sleep_ms", nap * 1000},
                       {"busy_share", rounded(static_cast<double>(r.tasks) * nap
                                              / (slots * seconds))}});
}

} // namespace

command bench_fanout_command() {
  return benchmark({.path = "bench fanout",
                    .summary = "A durable fan-out of N tasks that do nothing",
                    .examples = "orcon bench fanout --tasks 50000 -o json"},
                   100'000, bench_fanout);
}

command bench_exec_command() {
  return benchmark({.path = "bench exec",
                    .summary = "A durable fan-out of N processes (/bin/true)",
                    .examples = "orcon bench exec --tasks 1000"},
                   10'000, bench_exec);
}

command bench_sleep_command() {
  return benchmark(
    {.path = "bench sleep",
     .summary = "A fan-out of N sleeps of 10 ms on 1000 slots (--workers)",
     .examples = "orcon bench sleep --tasks 5000 --workers 100"},
    100'000, bench_sleep);
}

} // namespace orcon
