#include "store/sqlite/connection/opening.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite/connection/engine_lock.hpp"
#include "store/sqlite/schema/schema.hpp"

namespace conductor::sqlite {

result<void> create_private(const std::string& path) {
  // With O_EXCL nobody in this process can have a connection to the file,
  // whose locks closing the descriptor would drop.
  const auto fd = ::open(
    path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 && errno != EEXIST)
    return fail(errno == ENOSPC ? errc::full : errc::io,
                "cannot create " + path + ": " + std::strerror(errno));
  if (fd >= 0)
    ::close(fd);
  return {};
}

/// Names a file for a look that ignores journals and changes nothing.
static std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const auto c : path) {
    const auto plain = c != '?' && c != '#' && c != '%';
    uri += plain ? std::string{c} : c == '?' ? "%3f" : c == '#' ? "%23" : "%25";
  }
  return uri + "?immutable=1";
}

void remove_files(const std::string& path) {
  for (const auto* suffix : {"-journal", "-wal", "-shm", ""})
    ::unlink((path + suffix).c_str());
}

void look_before(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw store_error{{errc::not_ours, path + " is a directory"}, true};
  if (std::filesystem::file_size(path, ignored) == 0 || ignored)
    return;
  refuse_mount_point(path);
  // The log and its index go by the name.
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

namespace {

bool is_trusted_link(const std::string& path, const std::string& folder) {
  struct stat link {
  }, around{};
  if (::lstat(path.c_str(), &link) != 0 || ::stat(folder.c_str(), &around) != 0)
    return false;
  return link.st_uid == ::geteuid() || link.st_uid == 0
         || link.st_uid == around.st_uid;
}

} // namespace

std::string resolve_links(std::string path) {
  constexpr int most_links = 40; // as in the kernel
  std::error_code bad;
  for (int i = 0; i < most_links && std::filesystem::is_symlink(path, bad);
       ++i) {
    const auto folder = std::filesystem::path{path}.parent_path();
    const auto target = std::filesystem::read_symlink(path, bad);
    if (bad || !is_trusted_link(path, folder.empty() ? "." : folder.string()))
      break; // who opens it will refuse the link
    path = (folder / target).string();
  }
  return path;
}

void refuse_mount_point(const std::string& path) {
  struct statx s {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &s) != 0
      || !S_ISREG(s.stx_mode))
    return; // what opens it will say why
  if ((s.stx_attributes_mask & s.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
    throw store_error{{errc::io, path
                                   + " is a single mounted file; its log lies "
                                     "beside its other name, where this "
                                     "program cannot see it; mount the folder "
                                     "that holds the database"},
                      true};
}

} // namespace conductor::sqlite

namespace conductor {

void discard_unused_database(const std::string& given) {
  using namespace sqlite;
  try {
    const auto path = resolve_links(given);
    const auto lock = engine_lock::acquire(path, false);
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
