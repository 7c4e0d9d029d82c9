#include <filesystem>

#include <conductor/store.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

/// Creates a database unless it is there already; in this folder if nobody
/// names one, since that is where every command then looks first.
int init(const settings& given) {
  auto s = given;
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

} // namespace

command db_init_command() {
  return {.path = "db init",
          .summary = "Create a database in this folder unless there is one",
          .examples
          = "orcon db init                      ./orcon.db, for commands run "
            "here\n"
            "orcon db init --db nightly.db",
          .exits = {done, unusable},
          .prepare = without_options(init)};
}

} // namespace orcon
