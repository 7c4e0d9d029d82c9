#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <conductor/json_text.hpp>
#include <conductor/submission.hpp>

#include "actors/source_file.hpp"

namespace conductor {

namespace {

constexpr std::size_t spool_buffer = 64 * 1024;

constexpr std::string_view spool_suffix = ".spool";

/// Counts the lines and makes sure that each can become a JSON string.
result<void> count_lines(const std::string& path, const std::string& database,
                         task_submission& task) {
  auto reader = line_reader::open(path, 0);
  if (!reader)
    return tl::unexpected(reader.error());
  task.source = reader->file();
  task.source.spooled = is_spool(path, database);
  task.total = 0;
  std::string_view line;
  while (reader->next(line)) {
    ++task.total;
    if (!task.source.spooled && !valid_utf8(line))
      return fail(errc::invalid, path + ":" + std::to_string(task.total)
                                   + ": the line is not valid UTF-8");
  }
  if (reader->trouble())
    return tl::unexpected(reader->trouble());
  return {};
}

/// Resolves a pattern, sorted, to a spool of the names it matches.
result<void> spool_glob(const std::string& pattern, const std::string& database,
                        task_submission& task) {
  auto names = spool::create(database);
  if (!names)
    return tl::unexpected(names.error());
  ::glob_t found{};
  const auto code = ::glob(pattern.c_str(), GLOB_ERR | GLOB_BRACE, nullptr,
                           &found);
  error trouble;
  if (code != 0 && code != GLOB_NOMATCH)
    trouble = {errc::io, "cannot resolve " + pattern + ": "
                           + std::strerror(errno)};
  for (std::size_t i = 0; i < found.gl_pathc && !trouble; ++i) {
    const std::string_view name{found.gl_pathv[i]};
    if (!valid_utf8(name))
      trouble = {errc::invalid, "a name that matches " + pattern
                                  + " is not valid UTF-8"};
    else if (!names->add_line(name))
      trouble = {errc::full, "no room for the names that match " + pattern};
  }
  ::globfree(&found);
  if (trouble)
    return tl::unexpected(trouble);
  auto path = names->finish();
  if (!path)
    return tl::unexpected(path.error());
  if (auto counted = count_lines(*path, database, task); !counted)
    return counted;
  names->keep();
  return {};
}

result<void> resolve_source(const std::string& database,
                            task_submission& task) {
  const auto& from = task.spec.fanout;
  switch (from.kind) {
    case source_kind::none: task.total = -1; return {};
    case source_kind::lines: return count_lines(from.path, database, task);
    case source_kind::glob: return spool_glob(from.path, database, task);
    default: task.total = from.count; return {};
  }
}

} // namespace

result<submission> resolve(const run_spec& spec,
                           const definition_context& context,
                           const std::string& database, timestamp now) {
  if (const auto errors = check_spec(spec, context); !errors.empty())
    return fail(errc::invalid, to_string(errors.front()));
  submission s{.name = spec.name,
               .meta = spec.meta,
               .idempotency_key = spec.idempotency_key,
               .retry_budget = spec.retry_budget,
               .at = now};
  for (const auto& t : spec.tasks) {
    auto& task = s.tasks.emplace_back(task_submission{.spec = t});
    if (task.spec.directory.empty())
      task.spec.directory = context.directory;
    auto resolved = resolve_source(database, task);
    if (!resolved) {
      auto& why = resolved.error();
      why.message = "/tasks/" + t.name + "/input/fanout: " + why.message;
      return tl::unexpected(why);
    }
    if (task.total > context.max_width)
      return fail(errc::invalid, "/tasks/" + t.name + "/input/fanout: "
                                   + std::to_string(task.total)
                                   + " children are more than max_width = "
                                   + std::to_string(context.max_width));
  }
  return s;
}

bool is_spool(const std::string& path, const std::string& database) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const auto whole = fs::absolute(path, ignored).lexically_normal().string();
  const auto prefix
    = fs::absolute(database, ignored).lexically_normal().string() + ".";
  if (whole.size() <= prefix.size() + spool_suffix.size()
      || whole.compare(0, prefix.size(), prefix) != 0
      || whole.substr(whole.size() - spool_suffix.size()) != spool_suffix)
    return false;
  // What stands between is "<pid>-<number>".
  const auto middle = whole.substr(
    prefix.size(), whole.size() - prefix.size() - spool_suffix.size());
  return middle.find_first_not_of("0123456789-") == std::string::npos;
}

// -- spool ----------------------------------------------------------------------

result<spool> spool::create(const std::string& database) {
  static std::atomic<unsigned> number{0};
  for (;;) {
    const auto path = database + "." + std::to_string(::getpid()) + "-"
                      + std::to_string(++number) + ".spool";
    const auto fd = ::open(path.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
      return spool{path, fd};
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
  if (!write_out() || ::fsync(fd_) != 0)
    return fail(errno == ENOSPC ? errc::full : errc::io,
                "cannot write " + path_ + ": " + std::strerror(errno));
  return path_;
}

} // namespace conductor
