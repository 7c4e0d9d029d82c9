#include "tests/actors/failing_calls.hpp"

#include <cerrno>

#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace failing_calls {

fault epoll_add, pipe_read, pipe_write, new_pipe;

bool fault::strikes() {
  if (fail <= 0)
    return false;
  if (skip > 0 && skip.fetch_sub(1) > 0)
    return false;
  if (fail.fetch_sub(1) <= 0)
    return false;
  errno = error;
  return true;
}

namespace {

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_pipe(int fd) {
  struct stat s {};
  return ::fstat(fd, &s) == 0 && S_ISFIFO(s.st_mode);
}

} // namespace

} // namespace failing_calls

using failing_calls::is_pipe;
using failing_calls::real;

extern "C" {

int epoll_ctl(int epoll, int op, int fd, epoll_event* event) noexcept {
  static auto* const next = real<decltype(::epoll_ctl)>("epoll_ctl");
  if (op == EPOLL_CTL_ADD && failing_calls::epoll_add.strikes())
    return -1;
  return next(epoll, op, fd, event);
}

ssize_t read(int fd, void* buffer, size_t size) {
  static auto* const next = real<decltype(::read)>("read");
  if (failing_calls::pipe_read.fail > 0 && is_pipe(fd)
      && failing_calls::pipe_read.strikes())
    return -1;
  return next(fd, buffer, size);
}

ssize_t write(int fd, const void* buffer, size_t size) {
  static auto* const next = real<decltype(::write)>("write");
  if (failing_calls::pipe_write.fail > 0 && is_pipe(fd)
      && failing_calls::pipe_write.strikes())
    return -1;
  return next(fd, buffer, size);
}

int pipe2(int* ends, int flags) noexcept {
  static auto* const next = real<decltype(::pipe2)>("pipe2");
  return failing_calls::new_pipe.strikes() ? -1 : next(ends, flags);
}

} // extern "C"
