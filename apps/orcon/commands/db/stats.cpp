#include <conductor/admin.hpp>
#include <fmt/format.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

int statistics(const settings& s) {
  const auto found = measure_database(s.database);
  if (!found)
    return report_error(found.error());
  const auto per_task = found->tasks == 0
                          ? 0.0
                          : static_cast<double>(found->file_bytes)
                              / static_cast<double>(found->tasks);
  ordered_json out{{"file", s.database},
                   {"schema", found->schema},
                   {"file_bytes", found->file_bytes},
                   {"wal_bytes", found->wal_bytes},
                   {"free_bytes", found->free_pages * found->page_bytes},
                   {"runs", found->runs},
                   {"tasks", found->tasks},
                   {"events", found->events},
                   {"bytes_per_task", per_task}};
  std::vector<ordered_json> tables;
  for (const auto& t : found->tables)
    tables.push_back({{"table", t.name}, {"bytes", t.bytes}});
  if (s.output != format::table) {
    out["tables"] = tables;
    print_object(s, out);
    return done;
  }
  out["bytes_per_task"] = fmt::format("{:.1f}", per_task);
  print_object(s, out);
  put("\n");
  print_rows(s, {"table", "bytes"}, tables);
  return done;
}

} // namespace

command db_stats_command() {
  return {.path = "db stats",
          .summary = "Sizes: file, tables, bytes per task",
          .examples = "orcon db stats",
          .exits = {done, not_found, unusable},
          .prepare = without_options(statistics)};
}

} // namespace orcon
