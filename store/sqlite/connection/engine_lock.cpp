#include "store/sqlite/connection/engine_lock.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/connection/database.hpp"

namespace conductor::sqlite {

namespace {

/// Of a lock that others take and remove at the same time.
constexpr int most_rounds = 100;

/// The process of the engine that works on the database, from its own row; ""
/// if the row does not tell (the file is just being created, or it is
/// `orcon db prune` that has the lock).
std::string owner(const std::string& path) {
  try {
    database db{path, SQLITE_OPEN_READONLY};
    const auto pid = db.number("SELECT pid FROM engine WHERE clean = 0");
    const auto alive
      = pid > 0 && (::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM);
    return alive ? " (pid " + std::to_string(pid) + ")" : "";
  } catch (const store_error&) {
    return "";
  }
}

/// An engine that was killed a moment ago may hold it until it is quite gone.
bool lock_soon(int fd) {
  constexpr int tries = 30;
  for (int i = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++i) {
    if ((errno != EWOULDBLOCK && errno != EINTR) || i == tries)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return true;
}

file_id id_of(const struct stat& s) {
  return {s.st_dev, s.st_ino};
}

struct opened {
  int fd = -1;
  bool created = false;
  bool again = false; ///< it came or went meanwhile
};

result<opened> create_file(const std::string& path) {
  const auto fd = ::open(
    path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0)
    return opened{fd, true, false};
  if (errno == EEXIST)
    return opened{.again = true};
  return fail(errno == ENOSPC || errno == EDQUOT ? errc::full : errc::io,
              "cannot create " + path + ": " + std::strerror(errno)
                + "; name a database in a writable folder (--db)");
}

result<opened> open_file(const std::string& path, bool create) {
  struct stat s {};
  if (::lstat(path.c_str(), &s) != 0) {
    if (errno == ENOENT && create)
      return create_file(path);
    if (errno == ENOENT)
      return fail(errc::not_found,
                  "no database at " + path + "; name another with --db FILE");
    return fail(errc::io, "cannot open " + path + ": " + std::strerror(errno));
  }
  if (S_ISLNK(s.st_mode))
    return fail(errc::io, path
                            + " is a symbolic link of another user, or leads "
                              "nowhere in the end; name the file itself");
  if (!S_ISREG(s.st_mode))
    return fail(
      errc::not_ours,
      path
        + (S_ISDIR(s.st_mode) ? " is a directory" : " is not a regular file"));
  if (const auto idle = reuse_descriptor(id_of(s)); idle >= 0)
    return opened{.fd = idle};
  const auto fd
    = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd >= 0)
    return opened{.fd = fd};
  if (errno == ENOENT)
    return opened{.again = true};
  return fail(errc::io,
              path + " cannot be opened for writing: " + std::strerror(errno)
                + "; an engine needs a file and a folder that it "
                  "may write");
}

} // namespace

result<engine_lock> engine_lock::acquire(const std::string& path, bool create) {
  occupy_standard_descriptors();
  for (int round = 0; round < most_rounds; ++round) {
    const auto file = open_file(path, create);
    if (!file)
      return tl::unexpected(file.error());
    if (file->again)
      continue;
    struct stat s {};
    ::fstat(file->fd, &s);
    engine_lock lock{file->fd, path, id_of(s), file->created};
    if (!lock_soon(file->fd)) {
      if (errno != EWOULDBLOCK)
        return fail(errc::io,
                    "cannot lock " + path + ": " + std::strerror(errno));
      return fail(errc::locked, path + " is in use by another engine"
                                  + owner(path)
                                  + "; wait for it, stop it, or name another "
                                    "database with --db");
    }
    if (lock.still_in_place())
      return lock;
  }
  return fail(errc::io, path + " is created and removed again and again");
}

engine_lock::engine_lock(engine_lock&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)),
    file_(other.file_), created_(other.created_) {}

engine_lock::~engine_lock() {
  if (fd_ < 0)
    return;
  ::flock(fd_, LOCK_UN);
  give_up_descriptor(fd_);
}

bool engine_lock::still_in_place() const {
  struct stat s {};
  if (::lstat(path_.c_str(), &s) != 0)
    return errno != ENOENT && errno != ENOTDIR;
  return id_of(s) == file_;
}

void engine_lock::require_in_place() const {
  if (!still_in_place())
    throw store_error{{errc::io, path_
                                   + " was deleted or replaced while an engine "
                                     "worked on it; what was acknowledged "
                                     "since then is lost with the old file"},
                      true};
}

} // namespace conductor::sqlite
