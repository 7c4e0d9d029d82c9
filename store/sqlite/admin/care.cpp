#include <conductor/care.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "store/sqlite/connection/engine_lock.hpp"
#include "store/sqlite/connection/opening.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"

namespace conductor {

namespace {

using sqlite::database;
using sqlite::statement;

std::int64_t file_bytes(const std::string& path) {
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  return ignored ? 0 : static_cast<std::int64_t>(bytes);
}

std::string in_words(const std::string& doing, const std::string& path) {
  return "cannot " + doing + " " + path + ": " + std::strerror(errno);
}

/// Creates an empty file that only its owner may read.
result<void> create_private(const std::string& path) {
  const auto fd
    = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(errc::io, in_words("create", path));
  ::close(fd);
  return {};
}

/// Puts a file or a folder on the disk.
result<void> flush_to_disk(const std::string& path) {
  const auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(errc::io, in_words("open", path));
  const auto flushed = ::fsync(fd) == 0;
  auto why = flushed ? std::string{} : in_words("write", path);
  ::close(fd);
  if (!flushed)
    return fail(errc::io, why);
  return {};
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path{path}.parent_path().string();
  return folder.empty() ? "." : folder;
}

result<void> copy_into(const std::string& path, const std::string& part) {
  if (auto created = create_private(part); !created)
    return created;
  sqlite::open_for_reading(path); // is it one of ours, and in a known schema
  database source{path, SQLITE_OPEN_READONLY};
  source.prepared("VACUUM INTO ?").run(part);
  return flush_to_disk(part);
}

/// The connection that prunes: the only one that writes, since it has the lock.
std::unique_ptr<database> open_to_prune(const std::string& path) {
  sqlite::open_for_reading(path);
  auto db = std::make_unique<database>(path, SQLITE_OPEN_READWRITE);
  db->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  return db;
}

struct doomed {
  run_key run = 0;
  task_key first = 0, end = 0;
};

std::vector<doomed> runs_to_prune(database& db, const prune_request& request) {
  std::vector<doomed> found;
  const auto add = [&](statement& row) {
    found.push_back({row.integer(0), row.integer(1), row.integer(2)});
  };
  if (request.run)
    db.prepared("SELECT run,first_task,end_task FROM run_rows WHERE run=? AND "
                "state IN(4,6,7)")
      .each(add, *request.run);
  else
    db.prepared("SELECT run,first_task,end_task FROM run_rows WHERE "
                "state IN(4,6,7) AND finished<? ORDER BY run")
      .each(add, request.before);
  return found;
}

prune_result count_run(database& db, const doomed& d) {
  prune_result one{.runs = 1};
  const auto number = [&](std::int64_t& to) {
    return [&to](statement& row) { to = row.integer(0); };
  };
  db.prepared("SELECT count(*) FROM task_rows WHERE task>=? AND task<?")
    .each(number(one.tasks), d.first, d.end);
  db.prepared("SELECT total(count) FROM event_spans WHERE run=?")
    .each(number(one.events), d.run);
  return one;
}

void delete_run(database& db, const doomed& d, const prune_result& size,
                timestamp now) {
  db.prepared("INSERT INTO prunings SELECT r.run,r.id,r.name,r.state,?2,?3,"
              "(SELECT min(seq) FROM event_spans WHERE run=?1),"
              "(SELECT max(seq+count-1) FROM event_spans WHERE run=?1),"
              "r.end_task,r.chain,?4 FROM run_rows r WHERE r.run=?1")
    .run(d.run, size.tasks, size.events, now);
  for (const auto* by_task : {"items", "outputs", "errors", "due", "task_rows"})
    db.prepared(std::string{"DELETE FROM "} + by_task
                + " WHERE task>=? AND task<?")
      .run(d.first, d.end);
  for (const auto* by_run : {"event_spans", "fanouts", "origins", "run_rows"})
    db.prepared(std::string{"DELETE FROM "} + by_run + " WHERE run=?")
      .run(d.run);
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
    s.file_bytes = file_bytes(path);
    s.wal_bytes = file_bytes(path + "-wal");
    s.runs = db->number("SELECT count(*) FROM run_rows");
    s.tasks = db->number("SELECT total(tasks) FROM run_rows")
              + db->number("SELECT total(expanded) FROM fanouts");
    s.events = db->number("SELECT total(count) FROM event_spans");
    // A table of SQLite's that not every build has.
    if (db->number("SELECT count(*) FROM pragma_module_list WHERE "
                   "name='dbstat'")
        > 0)
      db->prepared("SELECT name,pgsize FROM dbstat WHERE aggregate=TRUE "
                   "ORDER BY pgsize DESC,name")
        .each([&](statement& row) {
          s.tables.push_back({row.text(0), row.integer(1)});
        });
    return s;
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<std::int64_t> backup_database(const std::string& path,
                                     const std::string& target) {
  std::error_code ignored;
  if (std::filesystem::exists(target, ignored))
    return fail(errc::conflict,
                target + " exists already; a backup overwrites nothing");
  const auto part = target + ".part";
  std::filesystem::remove(part, ignored); // of a backup that was interrupted
  try {
    if (auto copied = copy_into(path, part); !copied) {
      std::filesystem::remove(part, ignored);
      return tl::unexpected(copied.error());
    }
  } catch (const store_error& trouble) {
    std::filesystem::remove(part, ignored);
    auto why = trouble.why();
    if (why.code
        == errc::io) // which end of the copy it was, SQLite keeps quiet
      why.message = "cannot copy " + path + " to " + target + ": " + why.message
                    + "; is there room for it?";
    return tl::unexpected(why);
  }
  // A link fails where a rename would overwrite what has come meanwhile; some
  // file systems have only one of the two.
  const auto placed = ::link(part.c_str(), target.c_str()) == 0
                      || ::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD,
                                     target.c_str(), RENAME_NOREPLACE)
                           == 0;
  const auto why = placed ? std::string{} : in_words("create", target);
  std::filesystem::remove(part, ignored);
  if (!placed)
    return fail(errc::io, why);
  if (auto flushed = flush_to_disk(folder_of(target)); !flushed)
    return tl::unexpected(flushed.error());
  return file_bytes(target);
}

result<migration> migrate_database(const std::string& path) {
  try {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
      return fail(errc::not_found,
                  "no database at " + path + "; name another with --db FILE");
    migration m;
    sqlite::look_before(path);
    {
      database probe{path, SQLITE_OPEN_READONLY};
      m.from = sqlite::check_identity(probe);
    }
    auto opened = open_sqlite_store({.path = path, .create = false});
    if (!opened)
      return tl::unexpected(opened.error());
    m.to = sqlite::schema_version;
    return m;
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<prune_result>
prune_database(const std::string& path, const prune_request& request,
               const std::function<void(const prune_result&)>& progress) {
  try {
    std::optional<sqlite::engine_lock> lock;
    if (!request.dry_run) {
      auto acquired = sqlite::engine_lock::acquire(path);
      if (!acquired)
        return tl::unexpected(acquired.error());
      lock.emplace(std::move(*acquired));
    }
    const auto db
      = request.dry_run ? sqlite::open_for_reading(path) : open_to_prune(path);
    const auto doomed_runs = runs_to_prune(*db, request);
    if (request.run && doomed_runs.empty())
      return fail(errc::conflict, "the run has not ended; only what has ended "
                                  "can be deleted");
    prune_result all;
    for (const auto& d : doomed_runs) {
      if (!request.dry_run)
        db->execute("BEGIN IMMEDIATE");
      const auto one = count_run(*db, d);
      if (!request.dry_run) {
        delete_run(*db, d, one, request.now);
        db->execute("COMMIT");
      }
      all.runs += one.runs;
      all.tasks += one.tasks;
      all.events += one.events;
      if (progress)
        progress(all);
    }
    return all;
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

} // namespace conductor
