#include "store/sqlite/connection/database.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "store/sqlite/connection/opening.hpp"
#include "store/sqlite/schema/schema.hpp"

namespace conductor::sqlite {

namespace {

constexpr int busy_timeout_ms = 5000;

errc kind_of(int code) {
  switch (code & 0xFF) {
  case SQLITE_FULL: return errc::full;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return errc::locked;
  // Our own statements fail like this only where the schema or a value is not
  // what it must be.
  case SQLITE_ERROR:
  case SQLITE_CONSTRAINT:
  case SQLITE_MISMATCH:
  case SQLITE_TOOBIG:
  case SQLITE_CORRUPT: return errc::corrupt;
  case SQLITE_NOTADB: return errc::not_ours;
  case SQLITE_CANTOPEN:
  case SQLITE_IOERR:
  case SQLITE_READONLY:
  case SQLITE_PERM:
  default: return errc::io;
  }
}

std::string advice(errc code) {
  switch (code) {
  case errc::full:
    return "; free some space, nothing that was acknowledged "
           "is lost";
  case errc::locked: return "; another program holds a lock on the database";
  case errc::corrupt: return "; the database is damaged, restore a backup";
  default: return "";
  }
}

/// SQLite takes ENOSPC alone for a full disk; a quota and a bound on the sizes
/// of files are no room either. The file that failed has kept its errno.
bool no_room(sqlite3* db) {
  for (const auto which :
       {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    int cause = 0;
    if (sqlite3_file_control(db, "main", which, &file) == SQLITE_OK && file
        && file->pMethods
        && file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &cause)
             == SQLITE_OK
        && (cause == EFBIG || cause == EDQUOT))
      return true;
  }
  return false;
}

std::string name_of(sqlite3* db) {
  const auto* path = sqlite3_db_filename(db, "main");
  return path ? std::filesystem::path{path}.filename().string() : "it";
}

/// A database in WAL mode has two files beside it, which readers need as well;
/// and what a crash left half done only a writer may undo.
const char* cannot_be_read(int extended) {
  switch (extended) {
  case SQLITE_READONLY_DIRECTORY:
    return " is in a folder that cannot be written, which SQLite needs even "
           "for reading; copy it to another folder";
  case SQLITE_NOTADB:
    return " is no Origin Conductor database; name another file with --db";
  case SQLITE_READONLY_ROLLBACK:
    return " was being created when its engine died; start an engine on it "
           "first";
  case SQLITE_READONLY:
    return " cannot be written: it is read-only; an engine needs a file and a "
           "folder that it may write";
  default: return nullptr;
  }
}

} // namespace

store_error to_error(sqlite3* db, int code, std::string_view doing) {
  const auto extended = db ? sqlite3_extended_errcode(db) : code;
  if (const auto* why = db ? cannot_be_read(extended) : nullptr)
    return {{kind_of(code), name_of(db) + why}, code == SQLITE_NOTADB};
  if (db && (code & 0xFF) == SQLITE_CANTOPEN && sqlite3_system_errno(db) != 0)
    return {
      {errc::io, "cannot open " + name_of(db) + ": "
                   + std::generic_category().message(sqlite3_system_errno(db))},
      false};
  const auto full = db && code == SQLITE_IOERR_WRITE && no_room(db);
  const auto kind = full ? errc::full : kind_of(code);
  std::string message = full ? sqlite3_errstr(SQLITE_FULL)
                        : db ? sqlite3_errmsg(db)
                             : sqlite3_errstr(code);
  if (kind == errc::io)
    message += " (code " + std::to_string(extended)
               + ", at: " + std::string{doing.substr(0, 60)} + ")";
  return store_error{{kind, message + advice(kind)},
                     kind == errc::corrupt || kind == errc::not_ours};
}

statement::statement(sqlite3* db, const char* sql) : db_(db) {
  const auto code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                       &handle_, nullptr);
  if (code != SQLITE_OK)
    throw to_error(db, code, sql);
}

std::string_view statement::view(int column) const {
  const auto* bytes = sqlite3_column_text(handle_, column);
  if (!bytes)
    return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

database::database(const std::string& path, int flags)
  : path_(path), counted_(path) {
  const auto code = sqlite3_open_v2(
    path.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
    nullptr);
  if (code != SQLITE_OK) {
    auto why = to_error(handle_, code, "open " + path);
    sqlite3_close_v2(handle_);
    throw why;
  }
  sqlite3_busy_timeout(handle_, busy_timeout_ms);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  try {
    execute("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
            "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;"
            "PRAGMA foreign_keys=ON");
  } catch (...) {
    sqlite3_close(handle_); // no destructor follows a constructor that throws
    throw;
  }
}

database::~database() {
  statements_.clear();
  sqlite3_close(handle_);
}

void database::execute(const char* sql) {
  const auto code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    throw to_error(handle_, code, sql);
}

statement& database::prepared(std::string_view sql) {
  auto& slot = statements_[std::string{sql}];
  if (!slot)
    slot = std::make_unique<statement>(handle_, std::string{sql}.c_str());
  return *slot;
}

std::int64_t database::number(std::string_view sql) {
  std::int64_t value = 0;
  prepared(sql).each([&](statement& row) { value = row.integer(0); });
  return value;
}

std::unique_ptr<database> open_for_reading(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw store_error{{errc::not_ours, path + " is a directory"}, true};
  if (!std::filesystem::exists(path, ignored))
    throw store_error{{errc::not_found, "no database at " + path
                                          + "; name another with --db FILE"},
                      true};
  refuse_mount_point(path);
  auto db = std::make_unique<database>(path, SQLITE_OPEN_READONLY);
  // A read-only connection must not checkpoint: one connection writes.
  db->execute("PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON");
  const auto version = check_identity(*db);
  if (version < schema_version)
    throw store_error{
      {errc::not_ours,
       version == 0 ? path + " is empty; start an engine on it first"
                    : path + " has schema " + std::to_string(version)
                        + ", which is older than this program's; bring it up "
                          "with `orcon db migrate --db "
                        + path + "`"},
      true};
  return db;
}

} // namespace conductor::sqlite
