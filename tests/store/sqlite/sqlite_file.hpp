#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <conductor/admin.hpp>
#include <conductor/store.hpp>
#include <sqlite3.h>
#include <unistd.h>

/// Database files for tests.
namespace conductor::test {

inline constexpr std::uint64_t salt = 1;

/// A folder that goes away.
struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path()
                               / ("orcon-store-" + std::to_string(::getpid()));
  int number = 0;

  folder() { std::filesystem::create_directories(path); }
  ~folder() { std::filesystem::remove_all(path); }
  std::string next() {
    return (path / (std::to_string(++number) + ".db")).string();
  }
};

inline std::unique_ptr<store> open(const std::string& path) {
  auto db = open_sqlite_store({.path = path, .salt = salt});
  if (!db)
    throw std::runtime_error{db.error().message};
  return std::move(*db);
}

/// What the verifier finds, one line each; empty = nothing wrong.
inline std::string verify(const std::string& path) {
  const auto verdict = verify_database(path);
  if (!verdict)
    return verdict.error().message;
  std::string wrong;
  for (const auto& v : verdict->violations)
    wrong += v.invariant + " " + v.what + "\n";
  return wrong;
}

/// Runs SQL on a connection of its own; the result code of SQLite.
/// Constraints of the schema are not checked: damage does not keep to them.
inline int execute(const std::string& path, const char* sql) {
  sqlite3* db = nullptr;
  auto code = sqlite3_open(path.c_str(), &db);
  if (code == SQLITE_OK)
    code = sqlite3_exec(db, "PRAGMA ignore_check_constraints=ON", nullptr,
                        nullptr, nullptr);
  if (code == SQLITE_OK)
    code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
  sqlite3_close(db);
  return code;
}

} // namespace conductor::test
