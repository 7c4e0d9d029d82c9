#include <conductor/admin.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

using namespace conductor;

namespace {

int migrate(const settings& s) {
  const auto m = migrate_database(s.database);
  if (!m)
    return report_error(m.error());
  if (s.output != format::table)
    print_object(s, {{"from", m->from}, {"to", m->to}});
  else if (m->from == m->to)
    say(s, fmt::format("{} has schema {} already", s.database, m->to));
  else
    say(s, fmt::format("{} migrated from schema {} to {}", s.database, m->from,
                       m->to));
  return done;
}

} // namespace

command db_migrate_command() {
  return {.path = "db migrate",
          .summary = "Bring an older database up to this program's schema",
          .examples = "orcon db migrate --db old.db",
          .exits = {done, not_found, unusable},
          .prepare = without_options(migrate)};
}

} // namespace orcon
