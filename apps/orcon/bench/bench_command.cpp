#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/bench/bench.hpp"
#include "apps/orcon/help/option_lookup.hpp"

namespace orcon {

namespace {

/// A database that ORCON_DB names is for work, not for benchmarks.
bool is_named(const bench_request& r) {
  const auto* everyday = std::getenv("ORCON_DB");
  return r.database->count() > 0
         && !(everyday && r.common.database == everyday);
}

void add_options(CLI::App& app, bench_request& r) {
  r.database = find_option(app, "--db");
  add_count(app, "--tasks", r.tasks, "How many");
  app.add_flag("--keep", r.keep, "Keep the database");
  app.add_flag("--no-verify", r.no_verify,
               "Do not verify the database afterwards");
}

} // namespace

void add_count(CLI::App& app, const char* name, std::int64_t& to,
               const char* help, std::int64_t most) {
  app.add_option(name, to, help)
    ->capture_default_str()
    ->check(CLI::Range(std::int64_t{1}, most));
}

command benchmark(command about, std::int64_t tasks,
                  int (*run)(const bench_request&),
                  void (*more)(CLI::App&, bench_request&)) {
  about.exits = {done, operation_failed, conflict, unusable, interrupted};
  about.prepare = [=](CLI::App& app, const settings& common) -> action {
    const auto r = std::make_shared<bench_request>();
    r->tasks = tasks;
    add_options(app, *r);
    if (more != nullptr)
      more(app, *r);
    return [=, &common] {
      r->common = common;
      if (is_named(*r)) {
        r->keep = true;
      } else {
        r->common.database = fmt::format("orcon-bench-{}.db", ::getpid());
        r->common.state_database = false;
      }
      return run(*r);
    };
  };
  return about;
}

} // namespace orcon
