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

/// Bytes read into `scratch`; 0 at the end, -1 if there is nothing now.
ssize_t read_some(int fd, std::size_t most) {
  auto& buffer = scratch();
  for (;;) {
    const auto n = ::read(fd, buffer.data(), std::min(most, buffer.size()));
    if (n >= 0)
      return n;
    if (errno != EINTR)
      return errno == EAGAIN ? -1 : 0;
  }
}

std::size_t waiting_bytes(int fd) {
  int n = 0;
  return ::ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? static_cast<std::size_t>(n)
                                                 : 0;
}

template <class Keep>
bool read_once(const unique_fd& fd, const Keep& keep) {
  const auto n = read_some(fd.get(), scratch().size());
  if (n > 0)
    keep(scratch().data(), static_cast<std::size_t>(n));
  return n != 0;
}

template <class Keep>
void read_rest(unique_fd& fd, const Keep& keep) {
  if (!fd)
    return;
  for (auto left = waiting_bytes(fd.get()); left > 0;) {
    const auto n = read_some(fd.get(), left);
    if (n <= 0)
      break;
    keep(scratch().data(), static_cast<std::size_t>(n));
    left -= static_cast<std::size_t>(n);
  }
  fd.reset();
}

} // namespace

void process_child::keep_output(const char* data, std::size_t size) {
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
    to.erase(0, to.size() - cap);
    result.errors_cut = true;
  }
}

bool process_child::read_output() {
  return read_once(
    out, [&](const char* data, std::size_t size) { keep_output(data, size); });
}

bool process_child::read_errors(const process_options& options) {
  return read_once(err, [&](const char* data, std::size_t size) {
    keep_errors(data, size, options.errors_cap);
  });
}

void process_child::drain(const process_options& options) {
  read_rest(
    out, [&](const char* data, std::size_t size) { keep_output(data, size); });
  read_rest(err, [&](const char* data, std::size_t size) {
    keep_errors(data, size, options.errors_cap);
  });
}

bool process_child::write_input() {
  while (written_ < input_.size()) {
    const auto n
      = ::write(in.get(), input_.data() + written_, input_.size() - written_);
    if (n >= 0)
      written_ += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      return errno == EAGAIN;
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
  // It may have gone to another group; and not everything twice to those that
  // take a second SIGTERM for impatience.
  if (::getpgid(pid) != pid || number == SIGKILL)
    ::syscall(SYS_pidfd_send_signal, end.get(), number, nullptr, 0u);
  ::kill(-pid, number);
}

} // namespace conductor
