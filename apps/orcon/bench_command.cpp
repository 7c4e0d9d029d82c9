#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include "apps/orcon/output.hpp"
#include "apps/orcon/work.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct bench_options {
  std::int64_t tasks = 100'000;
  bool keep = false;
};

double peak_megabytes() {
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// A database of its own, gone afterwards unless it was asked for.
class scratch {
public:
  explicit scratch(const settings& s, bool named, bool keep)
    : path(named ? s.database : fmt::format("orcon-bench-{}.db", ::getpid())),
      keep_(keep || named) {}
  ~scratch() {
    for (const auto* suffix : {"", "-wal", "-shm", ".lock"})
      if (std::error_code ignored; !keep_)
        std::filesystem::remove(path + suffix, ignored);
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  const std::string path;

private:
  bool keep_;
};

int bench(settings s, const bench_options& o, bool named,
          const std::string& name, const run_spec& spec) {
  const scratch file{s, named, o.keep};
  s.database = file.path;
  const signal_guard signals;
  auto engine = open_engine(s);
  if (!engine)
    return report_error(engine.error());
  engine->start();
  const auto begin = std::chrono::steady_clock::now();
  const auto run = engine->submit(spec);
  if (!run)
    return report_error(run.error());
  const auto code = work(*engine, {run->id}, s, signals);
  const std::chrono::duration<double> took
    = std::chrono::steady_clock::now() - begin;
  engine->stop();
  if (code != done)
    return code;
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(file.path, ignored);
  const auto tasks = static_cast<double>(o.tasks);
  print_object(s, {{"bench", name},
                   {"tasks", o.tasks},
                   {"seconds", took.count()},
                   {"tasks_per_second", static_cast<std::int64_t>(
                                          tasks / took.count())},
                   {"rss_peak_mb", peak_megabytes()},
                   {"db_bytes_per_task", static_cast<double>(bytes) / tasks},
                   {"synchronous", "full"}});
  return done;
}

} // namespace

void add_bench_commands(CLI::App& app, const commands& c) {
  auto* group = app.add_subcommand(
    "bench", "Measure the engine on this machine: fanout, exec");
  group->require_subcommand(1);
  group->fallthrough();
  const auto add = [&](const char* name, const char* text,
                       std::function<run_spec(std::int64_t)> make) {
    auto* command = group->add_subcommand(name, text);
    command->fallthrough();
    auto o = std::make_shared<bench_options>();
    command->add_option("--tasks", o->tasks, "How many (default 100000)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
    command->add_flag("--keep", o->keep, "Keep the database");
    command->callback([=, &app] {
      c.chosen = [=, &app] {
        return bench(c.common, *o, app.count("--db") > 0, name,
                     make(o->tasks));
      };
    });
  };
  add("fanout", "A durable fan-out of N tasks that do nothing",
      [](std::int64_t n) {
        return run_spec{"bench fanout"}.task("noop").fanout(n);
      });
  add("exec", "A durable fan-out of N processes (/bin/true)",
      [](std::int64_t n) {
        return run_spec{"bench exec"}.task("exec").fanout(n).input(
          R"({"argv":["/bin/true"],"stdout":"discard"})");
      });
}

} // namespace orcon
