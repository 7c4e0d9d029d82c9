#include <conductor/admin.hpp>

#include <filesystem>

#include "store/sqlite/connection/opening.hpp"
#include "store/sqlite/schema/schema.hpp"

namespace conductor {

namespace {

std::int64_t bytes_of(const std::string& path) {
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  return ignored ? 0 : static_cast<std::int64_t>(bytes);
}

} // namespace

result<database_statistics> measure_database(const std::string& path) {
  try {
    const auto db = sqlite::open_for_reading(path);
    database_statistics s;
    s.schema = sqlite::schema_version;
    s.page_bytes = db->number("PRAGMA page_size");
    s.pages = db->number("PRAGMA page_count");
    s.free_pages = db->number("PRAGMA freelist_count");
    s.file_bytes = bytes_of(path);
    s.wal_bytes = bytes_of(path + "-wal");
    s.runs = db->number("SELECT count(*) FROM run_rows");
    s.tasks = db->number("SELECT total(tasks) FROM run_rows")
              + db->number("SELECT total(expanded) FROM parents");
    s.events = db->number("SELECT total(count) FROM event_spans");
    // A table of SQLite's that not every build has.
    if (db->number("SELECT count(*) FROM pragma_module_list WHERE"
                   " name = 'dbstat'")
        > 0)
      db->prepared("SELECT name, pgsize FROM dbstat WHERE aggregate = TRUE"
                   " ORDER BY pgsize DESC, name")
        .each([&](sqlite::statement& row) {
          s.tables.push_back({row.text(0), row.integer(1)});
        });
    return s;
  } catch (const store_error& failed) {
    return tl::unexpected(failed.why());
  }
}

result<migration> migrate_database(const std::string& given) {
  try {
    const auto path = sqlite::resolve_links(given);
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
      return fail(errc::not_found,
                  "no database at " + given + "; name another with --db FILE");
    migration m;
    sqlite::look_before(path);
    {
      sqlite::database probe{path, SQLITE_OPEN_READONLY};
      m.from = sqlite::check_identity(probe);
    }
    auto opened = open_sqlite_store({.path = path, .create = false});
    if (!opened)
      return tl::unexpected(opened.error());
    m.to = sqlite::schema_version;
    return m;
  } catch (const store_error& failed) {
    return tl::unexpected(failed.why());
  }
}

} // namespace conductor
