#pragma once

#include <string>

#include <conductor/error.hpp>

namespace conductor::sqlite {

/// The right to be the one engine of a database: an flock on `<db>.lock`,
/// which ends with the process however it dies. The file stays behind; it
/// holds the owner's pid.
class engine_lock {
public:
  static result<engine_lock> acquire(const std::string& database);
  engine_lock(engine_lock&& other) noexcept;
  engine_lock& operator=(engine_lock&&) = delete;
  ~engine_lock();

private:
  explicit engine_lock(int fd) : fd_(fd) {}
  int fd_;
};

} // namespace conductor::sqlite
