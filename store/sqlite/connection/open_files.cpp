#include "store/sqlite/connection/open_files.hpp"

#include <map>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace conductor::sqlite {

namespace {

struct open_file {
  int connections = 0;
  int idle = -1; ///< descriptor to close with the last connection
};

/// Never destroyed: connections may outlive every static object.
struct registry {
  std::mutex mutex;
  std::map<file_id, open_file> files;
};

registry& all_files() {
  static auto* files = new registry;
  return *files;
}

} // namespace

std::optional<file_id> find_file(const std::string& path) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0)
    return std::nullopt;
  return file_id{s.st_dev, s.st_ino};
}

void occupy_standard_descriptors() {
  int fd;
  do
    fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0)
    ::close(fd);
}

counted_connection::counted_connection(const std::string& path) {
  auto& all = all_files();
  const std::lock_guard guard{all.mutex};
  file_ = find_file(path);
  if (file_)
    ++all.files[*file_].connections;
}

counted_connection::~counted_connection() {
  if (!file_)
    return;
  auto& all = all_files();
  const std::lock_guard guard{all.mutex};
  const auto found = all.files.find(*file_);
  if (--found->second.connections > 0)
    return;
  if (found->second.idle >= 0)
    ::close(found->second.idle);
  all.files.erase(found);
}

int reuse_descriptor(const file_id& file) {
  auto& all = all_files();
  const std::lock_guard guard{all.mutex};
  const auto found = all.files.find(file);
  return found == all.files.end() ? -1 : std::exchange(found->second.idle, -1);
}

void give_up_descriptor(int fd) {
  struct stat s {};
  auto& all = all_files();
  const std::lock_guard guard{all.mutex};
  const auto known = ::fstat(fd, &s) == 0;
  const auto found
    = known ? all.files.find({s.st_dev, s.st_ino}) : all.files.end();
  if (found == all.files.end()) {
    ::close(fd);
    return;
  }
  // Two threads may have opened it at once. The one that is not kept cannot be
  // closed either: it stays open for as long as the process lives.
  if (found->second.idle < 0)
    found->second.idle = fd;
}

} // namespace conductor::sqlite
