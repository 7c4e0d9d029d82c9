#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fmt/format.h>

#include <unistd.h>

#include "apps/orcon/bench/bench.hpp"

namespace orcon {

namespace {

struct benchmark {
  const char* name;
  const char* what;
  std::int64_t tasks; ///< unless told otherwise
  int (*run)(const bench_request&);
};

constexpr benchmark benchmarks[]{
  {"fanout", "A durable fan-out of N tasks that do nothing", 100'000,
   bench_fanout},
  {"exec", "A durable fan-out of N processes (/bin/true)", 10'000, bench_exec},
  {"latency", "N one-task runs, one after another", 1000, bench_latency},
  {"reads", "A fan-out of N tasks while a second reader looks on", 1'000'000,
   bench_reads},
  {"runs", "N runs of one task each, and a tenth of that one by one", 100'000,
   bench_runs},
  {"payload", "A fan-out of N tasks that take and answer 4 KiB each", 100'000,
   bench_payload},
  {"sleep", "A fan-out of N sleeps of 10 ms on 1000 slots (--workers)", 100'000,
   bench_sleep},
  {"idle", "What an engine with nothing to do takes", 1000, bench_idle},
};

} // namespace

void add_bench_commands(CLI::App& app, const commands& c) {
  auto* group = app.add_subcommand(
    "bench", "Measure the engine on this machine (on a new database)");
  group->require_subcommand(1);
  group->fallthrough();
  for (const auto& b : benchmarks) {
    auto* command = group->add_subcommand(b.name, b.what);
    command->fallthrough();
    auto r = std::make_shared<bench_request>();
    r->tasks = b.tasks;
    command->add_option("--tasks", r->tasks, "How many")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
    command->add_flag("--keep", r->keep, "Keep the database");
    command->add_flag("--no-verify", r->no_verify,
                      "Do not verify the database afterwards");
    if (b.run == bench_latency) {
      r->load = 1'000'000;
      command->add_flag("--under-load", r->under_load,
                        "Also submit runs while a large fan-out works");
      command->add_option("--load", r->load, "Tasks of that fan-out")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
    }
    if (b.run == bench_idle) {
      r->seconds = 30;
      command->add_option("--seconds", r->seconds, "For how long to look")
        ->capture_default_str()
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{86'400}));
    }
    command->callback([r, run = b.run, &app, c] {
      c.chosen = [r, run, &app, c] {
        r->common = c.common;
        // A database that ORCON_DB names is for work, not for trials.
        const auto* everyday = std::getenv("ORCON_DB");
        if (app.count("--db") > 0
            && !(everyday && r->common.database == everyday)) {
          r->keep = true;
        } else {
          r->common.database = fmt::format("orcon-bench-{}.db", ::getpid());
          r->common.state_database = false;
        }
        return run(*r);
      };
    });
  }
}

} // namespace orcon
