#include <cstdint>

#include <conductor/admin.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

void say_what_to_do(const settings& s) {
  say(s,
      fmt::format("do no more work with {0}: set it aside, together with its "
                  "-wal, and continue with a backup that verifies; reading it "
                  "with `run show` or `task list` harms nothing",
                  s.database));
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

command db_check_command() {
  return {.path = "db check",
          .summary = "Check the structure of the file",
          .examples = "orcon db check --db nightly.db",
          .exits = {done, not_found, unusable},
          .prepare = without_options(check)};
}

command db_verify_command() {
  return {.path = "db verify",
          .summary = "Recount everything: states, counters, events, hash "
                     "chains",
          .examples = "orcon db verify --db nightly.db -o json",
          .exits = {done, not_found, unusable},
          .prepare = without_options(verify)};
}

} // namespace orcon
