#include "actors/handlers/process/process_child.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace conductor {

namespace {

using chunk = std::array<char, 64 * 1024>;

chunk& scratch() {
  thread_local chunk buffer;
  return buffer;
}

/// Reads into `scratch`; 0 at the end, -1 and errno on an error.
ssize_t read_some(int fd, std::size_t max) {
  auto& buffer = scratch();
  for (;;) {
    const auto n = ::read(fd, buffer.data(), std::min(max, buffer.size()));
    if (n >= 0 || errno != EINTR)
      return n;
  }
}

/// False at the end of the stream and after an error, which goes to `error`.
template <class Keep>
bool read_once(const unique_fd& fd, int& error, const Keep& keep) {
  const auto n = read_some(fd.get(), scratch().size());
  if (n > 0)
    keep(scratch().data(), static_cast<std::size_t>(n));
  if (n < 0 && errno != EAGAIN)
    error = errno;
  return n > 0 || (n < 0 && errno == EAGAIN);
}

template <class Keep>
void read_rest(unique_fd& fd, int& error, const Keep& keep) {
  if (!fd)
    return;
  int left = 0;
  if (::ioctl(fd.get(), FIONREAD, &left) != 0)
    error = errno;
  while (left > 0) {
    const auto n = read_some(fd.get(), static_cast<std::size_t>(left));
    if (n < 0 && errno != EAGAIN)
      error = errno;
    if (n <= 0)
      break;
    keep(scratch().data(), static_cast<std::size_t>(n));
    left -= static_cast<int>(n);
  }
  fd.reset();
}

} // namespace

void process_child::keep_output(const char* data, std::size_t size) {
  if (on_output_)
    on_output_({data, size});
  auto& to = result.output;
  const auto n = std::min(size, output_cap_ - std::min(output_cap_, to.size()));
  to.append(data, n);
  if (n < size)
    result.output_cut = true;
}

void process_child::keep_errors(const char* data, std::size_t size,
                                std::size_t cap) {
  auto& to = result.errors;
  to.append(data, size);
  if (to.size() > cap) {
    result.errors_dropped += to.size() - cap;
    to.erase(0, to.size() - cap);
  }
}

bool process_child::read_output() {
  return read_once(
    out, result.pipe_error,
    [&](const char* data, std::size_t size) { keep_output(data, size); });
}

bool process_child::read_errors(const process_options& options) {
  return read_once(err, result.pipe_error,
                   [&](const char* data, std::size_t size) {
                     keep_errors(data, size, options.errors_cap);
                   });
}

void process_child::drain(const process_options& options) {
  read_rest(out, result.pipe_error, [&](const char* data, std::size_t size) {
    keep_output(data, size);
  });
  read_rest(err, result.pipe_error, [&](const char* data, std::size_t size) {
    keep_errors(data, size, options.errors_cap);
  });
}

bool process_child::write_input() {
  while (written_ < input_.size()) {
    const auto n
      = ::write(in.get(), input_.data() + written_, input_.size() - written_);
    if (n >= 0)
      written_ += static_cast<std::size_t>(n);
    else if (errno == EAGAIN)
      return true;
    else if (errno != EINTR) {
      // EPIPE: the process does not read it all, which is its own affair.
      if (errno != EPIPE)
        result.pipe_error = errno;
      return false;
    }
  }
  return false;
}

bool process_child::ended() const {
  siginfo_t info{};
  const auto fd = static_cast<id_t>(end.get());
  return ::waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG | WNOWAIT) != 0
         || info.si_pid != 0;
}

void process_child::reap() {
  siginfo_t info{};
  const auto fd = static_cast<id_t>(end.get());
  while (::waitid(P_PIDFD, fd, &info, WEXITED) != 0)
    if (errno != EINTR) {
      result.status_lost = true;
      return;
    }
  if (info.si_code == CLD_EXITED)
    result.exit_code = info.si_status;
  else
    result.signal = info.si_status;
}

void process_child::signal(int number) const {
  // The process may have moved to another group. Otherwise it gets a SIGTERM
  // once only: some programs take a second one for impatience.
  if (::getpgid(pid) != pid || number == SIGKILL)
    ::syscall(SYS_pidfd_send_signal, end.get(), number, nullptr, 0u);
  ::kill(-pid, number);
}

} // namespace conductor
