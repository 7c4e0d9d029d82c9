#include "store/sqlite/connection/engine_lock.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace conductor::sqlite {

namespace {

std::string owner(int fd) {
  std::array<char, 32> text{};
  const auto n = ::pread(fd, text.data(), text.size() - 1, 0);
  std::string pid{text.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  while (!pid.empty() && pid.back() == '\n')
    pid.pop_back();
  return pid.empty() ? "?" : pid;
}

/// An engine that was killed a moment ago may hold it until it is quite gone.
bool lock_soon(int fd) {
  constexpr int tries = 30;
  for (int i = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (errno != EWOULDBLOCK || i == tries)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return true;
}

/// Whether an open file is still the one of that name.
bool is_at(int fd, const std::string& path) {
  struct stat ours {
  }, named{};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &named) == 0
         && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

} // namespace

result<engine_lock> engine_lock::acquire(const std::string& database) {
  const auto path = database + ".lock";
  for (;;) {
    // O_CLOEXEC: a child process would otherwise keep the lock alive.
    const auto fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
      return fail(errc::io,
                  "cannot create " + path + ": " + std::strerror(errno)
                    + "; name a database in a writable folder (--db)");
    engine_lock lock{fd};
    if (!lock_soon(fd)) {
      if (errno != EWOULDBLOCK)
        return fail(errc::io,
                    "cannot lock " + path + ": " + std::strerror(errno));
      return fail(errc::locked, database + " is in use by another engine (pid "
                                  + owner(fd)
                                  + "); wait for it, stop it, or name another "
                                    "database with --db");
    }
    if (!is_at(fd, path))
      continue; // its owner took it away as we came
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) == 0
        && ::pwrite(fd, pid.data(), pid.size(), 0)
             == static_cast<ssize_t>(pid.size()))
      return lock;
    const auto why = errno;
    if (!std::filesystem::exists(database))
      ::unlink(path.c_str());
    return fail(errc::full, "cannot write " + path + ": " + std::strerror(why));
  }
}

engine_lock::engine_lock(engine_lock&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)) {}

engine_lock::~engine_lock() {
  if (fd_ >= 0)
    ::close(fd_);
}

} // namespace conductor::sqlite
