#include <CLI/CLI.hpp>
#include <conductor/admin.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

struct backup_options {
  std::string target;
  bool unchecked = false;
};

int backup(const settings& s, const backup_options& o) {
  const auto& target = o.target;
  const auto bytes = backup_database(s.database, target);
  if (!bytes)
    return report_error(bytes.error());
  if (!o.unchecked) {
    const auto verdict = verify_database(target);
    if (!verdict)
      return report_error(verdict.error());
    if (!verdict->violations.empty())
      return report_error(
        {errc::corrupt, target + " was written, but is not in order: "
                          + verdict->violations.front().what});
  }
  if (s.output != format::table)
    print_object(
      s, {{"file", target}, {"bytes", *bytes}, {"verified", !o.unchecked}});
  say(s, fmt::format("{}: {} bytes{}; use it with --db, or put it in the place "
                     "of the database while no engine runs",
                     target, with_commas(*bytes),
                     o.unchecked ? "" : ", verified"));
  return done;
}

void add_options(CLI::App& app, backup_options& o) {
  app.add_option("file", o.target, "Where to; it must not exist")->required();
  app.add_flag("--no-verify", o.unchecked, "Do not verify the copy");
}

} // namespace

command db_backup_command() {
  return {.path = "db backup",
          .summary = "Copy the database, also while an engine works on it",
          .examples = "orcon db backup nightly-$(date +%F).db",
          .exits = {done, not_found, conflict, unusable},
          .prepare = with(add_options, backup)};
}

} // namespace orcon
