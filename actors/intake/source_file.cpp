#include <cerrno>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <conductor/json_text.hpp>
#include <conductor/submission.hpp>

#include "actors/intake/source_file.hpp"

namespace conductor {

namespace {

constexpr std::size_t read_bytes = 256 * 1024;

error cannot_read(const std::string& path, int why) {
  return {is_shortage(why) ? errc::overloaded
          : why == ENOENT  ? errc::not_found
                           : errc::file,
          "cannot read " + path + ": " + std::strerror(why)};
}

std::int64_t mtime_ns(const struct stat& st) {
  return st.st_mtim.tv_sec * 1'000'000'000LL + st.st_mtim.tv_nsec;
}

} // namespace

result<line_reader> line_reader::open(const std::string& path,
                                      std::int64_t offset) {
  // Not to wait for somebody who writes into a FIFO.
  const auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return tl::unexpected(cannot_read(path, errno));
  line_reader reader{fd, offset};
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return fail(errc::invalid, path + " is not a regular file");
  reader.file_ = {path, st.st_size, mtime_ns(st), false};
  return reader;
}

line_reader::line_reader(line_reader&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)), file_(std::move(other.file_)),
    buffer_(std::move(other.buffer_)), used_(other.used_), next_(other.next_),
    offset_(other.offset_), error_(std::move(other.error_)) {}

line_reader::~line_reader() {
  if (fd_ >= 0)
    ::close(fd_);
}

bool line_reader::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const auto old = buffer_.size();
  buffer_.resize(old + read_bytes);
  const auto n = ::pread(fd_, buffer_.data() + old, read_bytes, next_);
  buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0)
    error_ = cannot_read(file_.path, errno);
  next_ += std::max<ssize_t>(n, 0);
  return n > 0;
}

bool line_reader::next(std::string_view& line) {
  std::size_t searched = 0;
  for (;;) {
    const auto rest = std::string_view{buffer_}.substr(used_);
    const auto end = rest.find('\n', searched);
    if (std::min(end, rest.size()) > max_line_bytes) {
      error_ = {errc::invalid, file_.path + ": a line is longer than "
                                 + std::to_string(max_line_bytes) + " bytes"};
      return false;
    }
    if (end != std::string_view::npos) {
      line = rest.substr(0, end);
      used_ += end + 1;
      offset_ += static_cast<std::int64_t>(end) + 1;
      return true;
    }
    searched = rest.size();
    if (!fill())
      break;
  }
  line = std::string_view{buffer_}.substr(used_);
  used_ = buffer_.size();
  offset_ += static_cast<std::int64_t>(line.size());
  return !error_ && !line.empty();
}

result<source_page> read_source(const source_file& source, std::int64_t offset,
                                std::int64_t count) {
  auto reader = line_reader::open(source.path, offset);
  if (!reader)
    return tl::unexpected(reader.error());
  const auto& now = reader->file();
  if (now.size != source.size || now.mtime_ns != source.mtime_ns)
    return fail(errc::conflict,
                source.path + " has changed since the run was submitted");
  source_page page;
  std::string_view line;
  while (std::ssize(page.items) < count && reader->next(line))
    page.items.push_back(source.spooled ? std::string{line} : quoted(line));
  if (reader->trouble())
    return tl::unexpected(reader->trouble());
  if (std::ssize(page.items) < count)
    return fail(errc::conflict, source.path + " has fewer lines than before");
  page.offset = reader->offset();
  return page;
}

} // namespace conductor
