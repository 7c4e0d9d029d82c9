#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <sqlite3.h>

#include <conductor/store.hpp>

#include "store/sqlite/connection/open_files.hpp"

/// A thin RAII layer over SQLite's C interface: statements are prepared once,
/// bound variadically, and always reset. Used by one thread at a time.
namespace conductor::sqlite {

/// Turns a result code into the error that says what it means to people.
store_error to_error(sqlite3* db, int code, std::string_view doing);

class statement {
public:
  statement(sqlite3* db, const char* sql);
  ~statement() { sqlite3_finalize(handle_); }
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;

  /// Executes with the given parameters; returns the number of rows changed.
  template <class... Args>
  int run(const Args&... args) {
    bind_all(args...);
    const reset_guard guard{handle_};
    const auto code = sqlite3_step(handle_);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
      throw to_error(db_, code, sqlite3_sql(handle_));
    return sqlite3_changes(db_);
  }

  /// Calls `row(*this)` for each row.
  template <class Row, class... Args>
  void each(Row&& row, const Args&... args) {
    bind_all(args...);
    const reset_guard guard{handle_};
    int code;
    while ((code = sqlite3_step(handle_)) == SQLITE_ROW)
      row(*this);
    if (code != SQLITE_DONE)
      throw to_error(db_, code, sqlite3_sql(handle_));
  }

  /// For loops that read several statements side by side: `start` binds, `next`
  /// is false after the last row.
  template <class... Args>
  void start(const Args&... args) {
    sqlite3_reset(handle_);
    bind_all(args...);
  }
  bool next() {
    const auto code = sqlite3_step(handle_);
    if (code == SQLITE_ROW)
      return true;
    sqlite3_reset(handle_);
    if (code != SQLITE_DONE)
      throw to_error(db_, code, sqlite3_sql(handle_));
    return false;
  }

  std::int64_t integer(int column) const {
    return sqlite3_column_int64(handle_, column);
  }
  std::int32_t integer32(int column) const {
    return sqlite3_column_int(handle_, column);
  }
  bool is_null(int column) const {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
  }
  double real(int column) const {
    return sqlite3_column_double(handle_, column);
  }
  /// "" for NULL.
  std::string text(int column) const { return std::string{view(column)}; }
  /// The same without a copy; valid until the next row.
  std::string_view view(int column) const;
  timestamp time(int column) const { return from_ms(integer(column)); }

private:
  struct reset_guard {
    sqlite3_stmt* handle;
    ~reset_guard() { sqlite3_reset(handle); }
  };

  template <class... Args>
  void bind_all(const Args&... args) {
    int i = 0;
    (bind(++i, args), ...);
  }
  void bind(int i, std::int64_t v) { sqlite3_bind_int64(handle_, i, v); }
  void bind(int i, int v) { sqlite3_bind_int(handle_, i, v); }
  void bind(int i, double v) { sqlite3_bind_double(handle_, i, v); }
  void bind(int i, bool v) { sqlite3_bind_int(handle_, i, v ? 1 : 0); }
  void bind(int i, timestamp v) { sqlite3_bind_int64(handle_, i, to_ms(v)); }
  void bind(int i, std::nullptr_t) { sqlite3_bind_null(handle_, i); }
  void bind(int i, const char* v) { bind(i, std::string_view{v}); }
  void bind(int i, const std::string& v) { bind(i, std::string_view{v}); }
  // The text outlives the step: `run` and `each` hold their arguments by
  // reference, so no copy is needed.
  void bind(int i, std::string_view v) {
    sqlite3_bind_text64(handle_, i, v.data() ? v.data() : "", v.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
  }
  template <class E>
  requires std::is_enum_v<E>
  void bind(int i, E v) { sqlite3_bind_int(handle_, i, static_cast<int>(v)); }

  sqlite3* db_;
  sqlite3_stmt* handle_ = nullptr;
};

/// A connection with the statements that were used on it.
class database {
public:
  /// Opens with SQLite's flags; throws `store_error`.
  database(const std::string& path, int flags);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  /// Executes statements without parameters.
  void execute(const char* sql);
  void execute(const std::string& sql) { execute(sql.c_str()); }
  /// The prepared form of `sql`; the same text is prepared once.
  statement& prepared(std::string_view sql);
  /// The first column of the first row, or 0.
  std::int64_t number(std::string_view sql);

  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

private:
  std::string path_;
  counted_connection counted_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<statement>> statements_;
};

/// Opens the database for reading beside an engine: read-only, never
/// checkpoints. Throws `store_error` if it is not ours or too new.
std::unique_ptr<database> open_for_reading(const std::string& path);

} // namespace conductor::sqlite
