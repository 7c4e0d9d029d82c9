#include "actors/intake/line_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace conductor {

namespace {

constexpr std::size_t read_bytes = 256 * 1024;

error cannot_read(const std::string& name, int why) {
  return {is_shortage(why) ? errc::overloaded
          : why == ENOENT  ? errc::not_found
                           : errc::file,
          "cannot read " + name + ": " + std::strerror(why)};
}

} // namespace

result<line_reader> line_reader::open(const std::string& path) {
  // Without O_NONBLOCK, opening a FIFO waits for a writer.
  const auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return tl::unexpected(cannot_read(path, errno));
  line_reader reader{fd, path, true};
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return fail(errc::invalid, path + " is not a regular file");
  return reader;
}

line_reader line_reader::of_descriptor(int fd, std::string name) {
  return {fd, std::move(name), false};
}

line_reader::line_reader(line_reader&& other) noexcept
  : fd_(other.fd_), owned_(std::exchange(other.owned_, false)),
    name_(std::move(other.name_)), buffer_(std::move(other.buffer_)),
    used_(other.used_), number_(other.number_),
    error_(std::move(other.error_)) {}

line_reader::~line_reader() {
  if (owned_)
    ::close(fd_);
}

bool line_reader::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const auto old = buffer_.size();
  buffer_.resize(old + read_bytes);
  ssize_t n = 0;
  do
    n = ::read(fd_, buffer_.data() + old, read_bytes);
  while (n < 0 && errno == EINTR);
  buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0)
    error_ = cannot_read(name_, errno);
  return n > 0;
}

bool line_reader::next(std::string_view& line) {
  if (error_)
    return false;
  ++number_;
  for (std::size_t searched = 0;;) {
    const auto rest = std::string_view{buffer_}.substr(used_);
    const auto end = rest.find('\n', searched);
    if (std::min(end, rest.size()) > max_line_bytes) {
      error_ = {errc::invalid, place() + ": the line is longer than "
                                 + std::to_string(max_line_bytes) + " bytes"};
      return false;
    }
    if (end != std::string_view::npos) {
      line = rest.substr(0, end);
      used_ += end + 1;
      return true;
    }
    searched = rest.size();
    if (!fill())
      break;
  }
  // The last line may lack its end.
  line = std::string_view{buffer_}.substr(used_);
  used_ = buffer_.size();
  return !error_ && !line.empty();
}

} // namespace conductor
