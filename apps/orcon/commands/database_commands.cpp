#include <cstdint>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <conductor/admin.hpp>
#include <conductor/store.hpp>
#include <fmt/format.h>

#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

void say_what_to_do(const settings& s) {
  say(s,
      fmt::format("do no more work with {0}: set it aside, together with its "
                  "-wal, and go on with a backup that verifies; reading it "
                  "with `run show` or `task list` harms nothing",
                  s.database));
}

/// Creates a database unless it is there already; in this folder if nobody
/// names one, since that is where every command then looks first.
int init(settings s) {
  if (!s.database_named)
    s.database = "orcon.db";
  std::error_code ignored;
  const auto existed = std::filesystem::exists(s.database, ignored);
  // One that is in use is there; opening it to write would be refused.
  if (!existed || !open_sqlite_reader(s.database)) {
    const auto opened
      = open_sqlite_store({.path = s.database, .now_ms = to_ms(system_now())});
    if (!opened)
      return report_error(opened.error());
  }
  if (s.output != format::table)
    print_object(s, {{"database", s.database}, {"created", !existed}});
  say(s, s.database + (existed ? " is there already" : " was created"));
  return done;
}

int check(const settings& s) {
  const auto text = check_database(s.database);
  if (!text)
    return report_error(text.error());
  if (!text->empty()) {
    const auto code
      = report_error({errc::corrupt, s.database + " is damaged:\n" + *text});
    say_what_to_do(s);
    return code;
  }
  if (s.output != format::table)
    print_object(s, {{"database", s.database}, {"ok", true}});
  else if (!s.quiet)
    put("{}: ok\n", s.database);
  return done;
}

void print_verdict(const settings& s, const verdict& v) {
  if (s.output != format::table) {
    ordered_json out{{"ok", v.violations.empty()},
                     {"runs", v.runs},
                     {"tasks", v.tasks},
                     {"events", v.events},
                     {"violations", ordered_json::array()}};
    for (const auto& x : v.violations)
      out["violations"].push_back(
        {{"invariant", x.invariant}, {"what", x.what}});
    print_object(s, out);
    return;
  }
  for (const auto& x : v.violations)
    put("{}  {}\n", x.invariant, x.what);
  if (s.quiet && v.violations.empty())
    return;
  const auto counted = [](std::int64_t n, const char* what) {
    return fmt::format("{} {}{}", with_commas(n), what, n == 1 ? "" : "s");
  };
  put("{}: {}, {}, {}: {}\n", s.database, counted(v.runs, "run"),
      counted(v.tasks, "task"), counted(v.events, "event"),
      v.violations.empty() ? "every invariant holds"
                           : "the database is NOT in order");
}

int verify(const settings& s) {
  const auto found = verify_database(s.database);
  if (!found)
    return report_error(found.error());
  print_verdict(s, *found);
  if (found->violations.empty())
    return done;
  say_what_to_do(s);
  return unusable;
}

} // namespace

void add_database_commands(CLI::App& app, const commands& c) {
  auto* group = app.add_subcommand(
    "db",
    "The database file: init, check, verify, backup, migrate, prune, stats");
  group->require_subcommand(1);
  group->fallthrough();
  auto* create = group->add_subcommand(
    "init", "Create a database in this folder unless there is one");
  create->fallthrough();
  create->callback([c] { c.chosen = [c] { return init(c.common); }; });
  auto* quick
    = group->add_subcommand("check", "Check the structure of the file");
  quick->fallthrough();
  quick->callback([c] { c.chosen = [c] { return check(c.common); }; });
  auto* whole = group->add_subcommand(
    "verify", "Recount everything: states, counters, events, hash chains");
  whole->fallthrough();
  whole->callback([c] { c.chosen = [c] { return verify(c.common); }; });
  add_care_commands(*group, c);
}

} // namespace orcon
