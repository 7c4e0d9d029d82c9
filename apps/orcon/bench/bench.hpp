#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <conductor/engine.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"

namespace CLI {
class Option;
}

/// `orcon bench`: what the benchmarks have in common. Each one works an engine
/// of its own on a fresh database and reports one object.
namespace orcon {

/// What a benchmark is asked for on the command line.
struct bench_request {
  settings common; ///< the database is a new one
  std::int64_t tasks = 0;
  bool keep = false; ///< the database
  bool no_verify = false;
  bool under_load = false;  ///< latency
  std::int64_t load = 0;    ///< latency: tasks of the fan-out beside it
  std::int64_t seconds = 0; ///< idle
  const CLI::Option* database = nullptr; ///< --db
};

/// A command that runs a benchmark: `about` has its path, summary and example.
/// `tasks` is the default of --tasks; `more` registers further options.
command benchmark(command about, std::int64_t tasks,
                  int (*run)(const bench_request&),
                  void (*more)(CLI::App&, bench_request&) = nullptr);
/// A count, with its default in the help.
void add_count(CLI::App& app, const char* name, std::int64_t& to,
               const char* help, std::int64_t most = 1'000'000'000);

using bench_clock = std::chrono::steady_clock;

double seconds_since(bench_clock::time_point begin);
/// To three decimals, as benchmarks print their figures.
double rounded(double value);

/// Durations of one kind.
class latencies {
public:
  void add(bench_clock::duration d);
  /// Adds "<name>_p50_ms" and "<name>_p99_ms", null if there are none.
  void report(conductor::ordered_json& to, const std::string& name) const;

private:
  double percentile(double share) const;

  std::vector<double> ms_;
};

/// What a benchmark did, in how long.
struct volume {
  std::int64_t tasks = 0;
  double seconds = 0;
  std::int64_t stored = tasks; ///< tasks in the database, warm-up and all
};

/// One engine under measurement, on a new database that goes away with it
/// unless it was asked for.
class trial {
public:
  /// Errors: those of engine::open; conflict if the database is there already.
  static conductor::result<std::unique_ptr<trial>>
  open(const bench_request& request);
  ~trial();
  trial(const trial&) = delete;
  trial& operator=(const trial&) = delete;

  conductor::engine& engine() { return *engine_; }
  const std::string& database() const { return request_.common.database; }
  bool interrupted() const { return signals_.stop_wanted(); }

  /// Waits until a run is settled; `done` if it SUCCEEDED, else the exit code
  /// for what happened, said on stderr.
  int wait(const std::string& run_id);
  /// Submits a run and waits for it.
  int work(const conductor::run_spec& spec);

  /// Transactions committed so far.
  std::int64_t commits() const;

  /// Stops the engine, verifies the database, and prints: name, tasks,
  /// seconds, tasks a second, memory, bytes and commits a task, and what else
  /// was measured, which goes before. Returns the exit code.
  int report(const std::string& name, const volume& done,
             const conductor::ordered_json& measured
             = conductor::ordered_json::object());

private:
  explicit trial(const bench_request& request) : request_(request) {}

  const bench_request request_;
  const signal_guard signals_;
  std::optional<conductor::engine> engine_;
};

} // namespace orcon
