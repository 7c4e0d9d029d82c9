#include <algorithm>

#include <CLI/CLI.hpp>
#include <caf/all.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "apps/scenarios/scenarios.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct demo_config : caf::actor_system_config {
  demo_config() { register_types(*this); }
};

/// Where the virtual clock of every scenario begins.
const auto first_moment = *parse_iso("2026-01-01T00:00:00.000Z");

/// `silent`: not even a title; `quiet`: titles, and what is not as it must be.
bool play(const scenarios::scenario& s, bool color, bool quiet, bool silent) {
  demo_config config;
  caf::actor_system sys{config};
  const std::shared_ptr<store> db = make_memory_store();
  const auto reader = db->open_reader();
  options opts;
  opts.database = "demo"; // in memory
  bool good = true;
  const auto green = color ? "\x1b[32m" : "", red = color ? "\x1b[31m" : "",
             plain = color ? "\x1b[0m" : "";
  if (!silent)
    put("Scenario {}: {}\n", s.number, s.title);
  scenarios::driver d{sys, spawn_coordinator(sys, db, opts, first_moment),
                      [&](const std::string& text) {
                        if (!quiet)
                          put("    {}\n", text);
                      },
                      [&](const std::string& what, const std::string& expected,
                          const std::string& actual) {
                        const auto same = expected == actual;
                        good = good && same;
                        if (!silent && (!quiet || !same))
                          put("  {}{}{} {}: {}{}\n", same ? green : red,
                              same ? "✓" : "✗", plain, what, actual,
                              same ? "" : " (expected " + expected + ")");
                      }};
  try {
    s.play(d, *reader);
  } catch (const std::exception& trouble) {
    (silent ? write_error : write_out)(
      fmt::format("  {}✗{} {}\n", red, plain, trouble.what()));
    good = false;
  }
  if (!silent)
    put("  {}\n\n", good ? "as it must be" : "NOT as it must be");
  return good;
}

int demo(const settings& s, const std::vector<int>& wanted) {
  const auto color = use_color(s, STDOUT_FILENO);
  const auto for_people = s.output == format::table;
  int held = 0, played = 0;
  std::vector<ordered_json> rows;
  for (const auto& scenario : scenarios::all()) {
    if (!wanted.empty()
        && std::find(wanted.begin(), wanted.end(), scenario.number)
             == wanted.end())
      continue;
    ++played;
    const auto good
      = play(scenario, color, s.quiet || !for_people, !for_people);
    held += good ? 1 : 0;
    rows.push_back(
      {{"scenario", scenario.number}, {"title", scenario.title}, {"ok", good}});
  }
  if (for_people)
    put("{} of {} scenarios hold\n", held, played);
  else
    print_rows(s, {}, rows);
  return held == played && played > 0 ? int{done} : int{operation_failed};
}

void add_options(CLI::App& app, std::vector<int>& wanted) {
  app.add_option("scenarios", wanted, "Numbers (default: all)")
    ->check(CLI::Range(1, 6));
}

} // namespace

command demo_command() {
  return {.path = "demo",
          .summary = "The six scenarios, step by step; exit 0 only if all hold",
          .examples = "orcon demo\n"
                      "orcon demo 2 5                     only these two",
          .exits = {done, operation_failed, usage},
          .prepare = with(add_options, demo)};
}

} // namespace orcon
