#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/ids.hpp>
#include <conductor/time.hpp>

/// Maintenance of a database file: check, verify, backup, migrate, prune,
/// measure. Each call opens the database itself and closes it again. Those that
/// only read may be used while an engine works on the database.
namespace conductor {

// -- check and verify ---------------------------------------------------------

/// One thing that is wrong.
struct violation {
  /// "I1" … "I8", "file" or "schema" (docs/reliability.md).
  std::string invariant;
  std::string what;
};

struct verdict {
  std::vector<violation> violations;            ///< the first 100
  std::int64_t runs = 0, tasks = 0, events = 0; ///< looked at
};

/// Whether a database keeps the engine's promises: everything that is counted
/// is recounted, every path of states is replayed. Reads the whole database, in
/// one snapshot; `progress(share)` is called now and then. Ends on damaged
/// files as well: they have violations, or the error says that the file cannot
/// be read (corrupt, not_ours).
result<verdict> verify_database(const std::string& path,
                                const std::function<void(double)>& progress
                                = {});

/// SQLite's own check of the file's structure; empty = in order.
result<std::string> check_database(const std::string& path);

// -- copies and sizes ---------------------------------------------------------

/// A table or index and its size.
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

result<database_statistics> measure_database(const std::string& path);

/// Writes a copy of one moment's state to `target`, which must not exist. When
/// it returns the copy is on disk; until then there is only a file beside it,
/// named after it with `.backup-….part`. Returns the size in bytes. Errors:
/// conflict if `target` exists.
result<std::int64_t> backup_database(const std::string& path,
                                     const std::string& target);

// -- changes ------------------------------------------------------------------

struct migration {
  int from = 0, to = 0;
};

/// Brings the schema up to this program's, which every engine also does when it
/// starts. Takes the engine lock.
result<migration> migrate_database(const std::string& path);

/// Which runs are deleted: settled ones that ended before a moment, or one.
struct prune_request {
  timestamp before{};
  std::optional<run_key> run; ///< only this one, whenever it ended
  bool dry_run = false;       ///< count, change nothing
  timestamp now{};            ///< written into the records
  bool shrink = true; ///< give free pages back to the file system afterwards
};

struct prune_result {
  std::int64_t runs = 0, tasks = 0, events = 0;
};

/// Deletes runs with their tasks, events and texts, and keeps a record of each
/// in the table `prunings`: with it `verify_database` can tell what was pruned
/// from what is missing. A run disappears at once; its rows are then deleted in
/// slices, a transaction each, and what a killed program leaves of them the
/// next call deletes. Takes the engine lock. Errors: locked; conflict if `run`
/// has not ended.
result<prune_result>
prune_database(const std::string& path, const prune_request& request,
               const std::function<void(const prune_result&)>& progress = {});

} // namespace conductor
