#include "store/sqlite/database.hpp"

#include <filesystem>

#include "store/sqlite/schema.hpp"

namespace conductor::sqlite {

namespace {

constexpr int busy_timeout_ms = 5000;

errc kind_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_FULL: return errc::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return errc::locked;
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
    case errc::full: return "; free some space, nothing that was acknowledged "
                            "is lost";
    case errc::locked: return "; another program holds a lock on the database";
    case errc::corrupt: return "; the database is damaged, restore a backup";
    default: return "";
  }
}

} // namespace

store_error to_error(sqlite3* db, int code, std::string_view doing) {
  const auto extended = db ? sqlite3_extended_errcode(db) : code;
  const auto kind = kind_of(code);
  std::string message = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
  if (kind == errc::io || kind == errc::corrupt)
    message += " (code " + std::to_string(extended) + ", at: "
               + std::string{doing.substr(0, 60)} + ")";
  return store_error{{kind, message + advice(kind)},
                     kind == errc::corrupt || kind == errc::not_ours};
}

statement::statement(sqlite3* db, const char* sql) : db_(db) {
  const auto code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                       &handle_, nullptr);
  if (code != SQLITE_OK)
    throw to_error(db, code, sql);
}

std::string statement::text(int column) const {
  const auto* bytes = sqlite3_column_text(handle_, column);
  if (!bytes)
    return {};
  return {reinterpret_cast<const char*>(bytes),
          static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

database::database(const std::string& path, int flags) : path_(path) {
  const auto code
    = sqlite3_open_v2(path.c_str(), &handle_,
                      flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
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
  execute("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
          "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384;"
          "PRAGMA foreign_keys=ON");
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
  if (!std::filesystem::exists(path, ignored))
    throw store_error{{errc::not_found, "no database at " + path
                                          + "; name another with --db FILE"},
                      true};
  auto db = std::make_unique<database>(path, SQLITE_OPEN_READONLY);
  // A read-only connection must not checkpoint: one connection writes.
  db->execute("PRAGMA wal_autocheckpoint=0; PRAGMA query_only=ON");
  const auto version = check_identity(*db);
  if (version < schema_version)
    throw store_error{{errc::not_ours, path + " is empty or of an older schema; "
                                              "start an engine on it first"},
                      true};
  return db;
}

} // namespace conductor::sqlite
