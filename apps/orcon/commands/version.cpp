#include <fmt/format.h>
#include <sqlite3.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

namespace {

int version(const settings& s) {
  if (s.output == format::table)
    put("{}\n", version_text());
  else
    print_object(
      s, {{"version", ORCON_VERSION}, {"sqlite", sqlite3_libversion()}});
  return done;
}

} // namespace

std::string version_text() {
  return fmt::format("orcon {} (SQLite {})", ORCON_VERSION,
                     sqlite3_libversion());
}

command version_command() {
  return {.path = "version",
          .summary = "Print the version",
          .examples = "orcon version -o json",
          .exits = {done},
          .prepare = without_options(version)};
}

} // namespace orcon
