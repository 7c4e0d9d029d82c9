#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <random>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <conductor/admin.hpp>

#include "store/sqlite/connection/database.hpp"

namespace conductor {

namespace {

constexpr std::string_view part_begin = ".backup-", part_end = ".part";
constexpr std::size_t part_digits = 16;

std::string in_words(const std::string& doing, const std::string& path) {
  return "cannot " + doing + " " + path + ": " + std::strerror(errno);
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path{path}.parent_path().string();
  return folder.empty() ? "." : folder;
}

std::string unique_part(const std::string& target) {
  std::random_device device;
  char digits[part_digits + 1];
  std::snprintf(digits, sizeof digits, "%08x%08x", device(), device());
  return target + std::string{part_begin} + digits + std::string{part_end};
}

/// The file that a copy is written to before it gets its name. It is locked for
/// as long as it is written, and removed with this object.
class part_file {
public:
  static result<part_file> create(const std::string& target) {
    const auto path = unique_part(target);
    sqlite::occupy_standard_descriptors();
    const auto fd = ::open(
      path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
      return fail(errc::io, in_words("create", path));
    ::flock(fd, LOCK_EX | LOCK_NB);
    return part_file{path, fd};
  }
  part_file(part_file&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}
  part_file& operator=(part_file&&) = delete;
  ~part_file() {
    if (fd_ < 0)
      return;
    ::unlink(path_.c_str());
    ::close(fd_); // SQLite has closed it
  }

  const std::string& path() const { return path_; }

  /// Puts it on the disk.
  result<void> flush() const {
    if (::fsync(fd_) != 0)
      return fail(errc::io, in_words("write", path_));
    return {};
  }

  /// Gives it its name, unless that is taken.
  result<void> place(const std::string& target) const {
    // A link fails where a rename would overwrite what has come meanwhile; some
    // file systems have only one of the two.
    if (::link(path_.c_str(), target.c_str()) != 0
        && ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(),
                       RENAME_NOREPLACE)
             != 0)
      return fail(errno == EEXIST ? errc::conflict : errc::io,
                  in_words("create", target));
    return {};
  }

private:
  part_file(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
};

/// Whether a name is one that `unique_part` makes of the target's.
bool is_part_of(std::string_view name, std::string_view target) {
  if (!name.starts_with(target) || !name.ends_with(part_end)
      || !name.substr(target.size()).starts_with(part_begin))
    return false;
  const auto digits = name.substr(target.size() + part_begin.size(),
                                  name.size() - target.size()
                                    - part_begin.size() - part_end.size());
  return digits.size() == part_digits
         && digits.find_first_not_of("0123456789abcdef")
              == std::string_view::npos;
}

/// Removes what a killed backup to the same target has left: files of ours that
/// nobody has locked.
void remove_leftovers(const std::string& target) {
  const auto name = std::filesystem::path{target}.filename().string();
  std::error_code ignored;
  for (std::filesystem::directory_iterator i{folder_of(target), ignored}, end;
       !ignored && i != end; i.increment(ignored)) {
    const auto path = i->path().string();
    if (!is_part_of(i->path().filename().string(), name))
      continue;
    const auto fd
      = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
      continue;
    struct stat s {};
    if (::fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == ::geteuid()
        && s.st_nlink == 1 && ::flock(fd, LOCK_EX | LOCK_NB) == 0)
      ::unlink(path.c_str());
    ::close(fd);
  }
}

result<void> flush_folder(const std::string& path) {
  const auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY);
  if (fd < 0)
    return fail(errc::io, in_words("open", path));
  const auto flushed = ::fsync(fd) == 0;
  auto why = flushed ? std::string{} : in_words("write", path);
  ::close(fd);
  if (!flushed)
    return fail(errc::io, why);
  return {};
}

std::int64_t bytes_of(const std::string& path) {
  std::error_code ignored;
  const auto bytes = std::filesystem::file_size(path, ignored);
  return ignored ? 0 : static_cast<std::int64_t>(bytes);
}

/// Copies and places; everything that is opened here is closed again.
result<void> copy(const std::string& path, const std::string& target) {
  const auto source = sqlite::open_for_reading(path);
  auto part = part_file::create(target);
  if (!part)
    return tl::unexpected(part.error());
  // Otherwise the copy could not be written either.
  source->execute("PRAGMA query_only=OFF");
  source->prepared("VACUUM INTO ?").run(part->path());
  if (auto flushed = part->flush(); !flushed)
    return flushed;
  return part->place(target);
}

} // namespace

result<std::int64_t> backup_database(const std::string& path,
                                     const std::string& target) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(target, ignored)))
    return fail(errc::conflict,
                target + " exists already; a backup overwrites nothing");
  remove_leftovers(target);
  try {
    if (auto copied = copy(path, target); !copied)
      return tl::unexpected(copied.error());
  } catch (const store_error& failed) {
    auto why = failed.why();
    if (why.code == errc::io) // SQLite does not tell which end of it failed
      why.message = "cannot copy " + path + " to " + target + ": " + why.message
                    + "; is there room for it?";
    return tl::unexpected(why);
  }
  if (auto flushed = flush_folder(folder_of(target)); !flushed)
    return tl::unexpected(flushed.error());
  return bytes_of(target);
}

} // namespace conductor
