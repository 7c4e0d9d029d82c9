#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <conductor/json_text.hpp>
#include <conductor/submission.hpp>

namespace conductor {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t spool_buffer = 64 * 1024;

constexpr std::string_view spool_suffix = ".spool";

bool is_number(std::string_view text) {
  return !text.empty()
         && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Names of the spools that unfinished expansions still read.
std::set<std::string> spools_in_use(store_reader& reader) {
  std::set<std::string> names;
  for (task_key after = 0;;) {
    const auto page = reader.load_open_fanouts(after, 1000);
    for (const auto& f : page)
      if (f.source.spooled && f.broken.empty() && f.expanded < f.total)
        names.insert(fs::path{f.source.path}.filename().string());
    if (page.size() < 1000)
      return names;
    after = page.back().task;
  }
}

/// Whether a file with a spool's name is one: private, texts in JSON or
/// nothing in it, and nobody holds it.
bool may_be_swept(const std::string& path) {
  const auto fd
    = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0)
    return false;
  struct stat st {};
  char first = 0;
  const auto ours = ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
                    && (st.st_mode & 0777) == 0600 && st.st_uid == ::geteuid()
                    && (::pread(fd, &first, 1, 0) == 0 || first == '"')
                    && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  ::close(fd);
  return ours;
}

bool sync_folder(const std::string& path) {
  const auto folder = fs::path{path}.parent_path();
  const auto fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const auto synced = fd >= 0 && ::fsync(fd) == 0;
  if (fd >= 0)
    ::close(fd);
  return synced;
}

} // namespace

bool is_spool(const std::string& path, const std::string& database) {
  std::error_code ignored;
  const auto whole = fs::absolute(path, ignored).lexically_normal().string();
  const auto prefix
    = fs::absolute(database, ignored).lexically_normal().string() + ".";
  if (whole.size() <= prefix.size() + spool_suffix.size()
      || !whole.starts_with(prefix) || !whole.ends_with(spool_suffix))
    return false;
  // What stands between is "<pid>-<number>".
  const auto middle = std::string_view{whole}.substr(
    prefix.size(), whole.size() - prefix.size() - spool_suffix.size());
  const auto dash = middle.find('-');
  return dash != std::string_view::npos && is_number(middle.substr(0, dash))
         && is_number(middle.substr(dash + 1));
}

void sweep_spools(store_reader& reader, const std::string& database) {
  const auto in_use = spools_in_use(reader);
  std::error_code trouble;
  const auto folder = fs::absolute(database, trouble).parent_path();
  for (const auto& entry : fs::directory_iterator{folder, trouble}) {
    const auto path = entry.path().string();
    if (is_spool(path, database)
        && in_use.count(entry.path().filename().string()) == 0
        && may_be_swept(path))
      ::unlink(path.c_str());
  }
}

// -- spool --

result<spool> spool::create(const std::string& database) {
  static std::atomic<unsigned> number{0};
  // Whoever goes on with the run may do so from another folder.
  std::error_code ignored;
  const auto whole = fs::absolute(database, ignored).string();
  for (;;) {
    const auto path = whole + "." + std::to_string(::getpid()) + "-"
                      + std::to_string(++number) + ".spool";
    const auto fd
      = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
      // For as long as it is ours alone, nobody may sweep it.
      ::flock(fd, LOCK_EX | LOCK_NB);
      return spool{path, fd};
    }
    if (errno != EEXIST)
      return fail(errno == ENOSPC ? errc::full : errc::io,
                  "cannot create " + path + ": " + std::strerror(errno));
  }
}

spool::spool(spool&& other) noexcept
  : path_(std::move(other.path_)), buffer_(std::move(other.buffer_)),
    fd_(std::exchange(other.fd_, -1)), count_(other.count_),
    keep_(std::exchange(other.keep_, true)) {}

spool::~spool() {
  if (fd_ >= 0)
    ::close(fd_);
  if (!keep_)
    ::unlink(path_.c_str());
}

bool spool::write_out() {
  std::string_view rest{buffer_};
  while (!rest.empty()) {
    const auto n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno != EINTR)
      return false;
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  }
  buffer_.clear();
  return true;
}

bool spool::add_line(std::string_view line) {
  buffer_ += dump(json(line));
  buffer_ += '\n';
  ++count_;
  return buffer_.size() < spool_buffer || write_out();
}

result<std::string> spool::finish() {
  // The run that names it may outlive a power loss: its name must, too.
  if (!write_out() || ::fsync(fd_) != 0 || !sync_folder(path_))
    return fail(errno == ENOSPC ? errc::full : errc::io,
                "cannot write " + path_ + ": " + std::strerror(errno));
  return path_;
}

} // namespace conductor
