#include "store/sqlite/connection/opening.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "store/sqlite/connection/engine_lock.hpp"
#include "store/sqlite/schema/schema.hpp"

namespace conductor::sqlite {

/// A new file is made private before SQLite sees it. Creating with O_EXCL is
/// safe: nobody in this process can have a connection to it, whose locks
/// closing the descriptor would drop.
result<void> create_private(const std::string& path) {
  const auto fd
    = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno != EEXIST)
    return fail(errno == ENOSPC ? errc::full : errc::io,
                "cannot create " + path + ": " + std::strerror(errno));
  if (fd >= 0)
    ::close(fd);
  return {};
}

/// Names a file for a look that minds no journal and changes nothing.
static std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const auto c : path) {
    const auto plain = c != '?' && c != '#' && c != '%';
    uri += plain ? std::string{c} : c == '?' ? "%3f" : c == '#' ? "%23" : "%25";
  }
  return uri + "?immutable=1";
}

void remove_files(const std::string& path) {
  for (const auto* suffix : {"-journal", "-wal", "-shm", "", ".lock"})
    ::unlink((path + suffix).c_str());
}

void look_before(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw store_error{{errc::not_ours, path + " is a directory"}, true};
  if (std::filesystem::file_size(path, ignored) == 0 || ignored)
    return;
  // The lock, the log and its index go by the name.
  if (std::filesystem::hard_link_count(path, ignored) > 1)
    throw store_error{{errc::io, path
                                   + " has a second name (a hard link): two "
                                     "engines could work on it at once; "
                                     "remove one of the two"},
                      true};
  try {
    database probe{path, SQLITE_OPEN_READONLY};
    check_identity(probe);
  } catch (const store_error&) {
    // A crash during its creation leaves a journal that only a writer may
    // undo. The file as it stands tells whose it is.
    if (!std::filesystem::exists(path + "-journal", ignored))
      throw;
    database probe{immutable_uri(path), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI};
    check_identity(probe);
  }
}

std::string resolve_links(std::string path) {
  std::error_code bad;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(path, bad);
       ++links) {
    const std::filesystem::path target
      = std::filesystem::read_symlink(path, bad);
    if (bad)
      break;
    path = (std::filesystem::path{path}.parent_path() / target).string();
  }
  return path;
}

} // namespace conductor::sqlite

namespace conductor {

void discard_unused_database(const std::string& given) {
  using namespace sqlite;
  try {
    const auto path = resolve_links(given);
    const auto lock = engine_lock::acquire(path);
    if (!lock)
      return;
    const auto used = [&] {
      database db{path, SQLITE_OPEN_READWRITE};
      return check_identity(db) == 0
             || db.number("SELECT EXISTS(SELECT 1 FROM event_spans)") != 0;
    }();
    if (!used)
      remove_files(path);
  } catch (const store_error&) {
    // Then it stays.
  }
}

} // namespace conductor
