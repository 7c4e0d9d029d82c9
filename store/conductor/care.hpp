#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/ids.hpp>
#include <conductor/time.hpp>

/// Looking after a database file: copies, sizes, schema, and what is too old to
/// be kept.
namespace conductor {

/// A table or index and what it takes.
struct table_size {
  std::string name;
  std::int64_t bytes = 0;
};

struct database_statistics {
  int schema = 0; ///< its number; newer programs migrate older files
  std::int64_t page_bytes = 0, pages = 0, free_pages = 0;
  std::int64_t file_bytes = 0, wal_bytes = 0;
  std::int64_t runs = 0, tasks = 0, events = 0;
  std::vector<table_size> tables; ///< largest first
};

/// Reads only; beside a running engine or alone.
result<database_statistics> measure_database(const std::string& path);

/// Writes a copy of one moment's state to `target`, which must not exist, while
/// an engine may go on working. When it returns the copy is on disk; until then
/// there is only `target`.part. Returns its size in bytes.
result<std::int64_t> backup_database(const std::string& path,
                                     const std::string& target);

struct migration {
  int from = 0, to = 0;
};

/// Brings the schema up to this program's, which every engine also does when it
/// starts. Takes the engine lock.
result<migration> migrate_database(const std::string& path);

/// Which runs go: settled ones that ended before a moment, or just one.
struct prune_request {
  timestamp before{};
  std::optional<run_key> run; ///< only this one, whenever it ended
  bool dry_run = false;       ///< count, change nothing
  timestamp now{};            ///< written into the record of what went
};

struct prune_result {
  std::int64_t runs = 0, tasks = 0, events = 0;
};

/// Deletes runs with their tasks and events, each run in a transaction, and
/// keeps a record of each in the table `prunings`: with it `verify_database`
/// can tell what went from what is missing. The file keeps its size; freed
/// pages are used again. Takes the engine lock. Errors: locked; conflict if
/// `run` has not ended.
result<prune_result>
prune_database(const std::string& path, const prune_request& request,
               const std::function<void(const prune_result&)>& progress = {});

} // namespace conductor
