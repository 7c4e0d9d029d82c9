#pragma once

#include <atomic>

/// System calls of the test program that fail on demand. The program defines
/// the C library's functions itself, so that also the code under test calls
/// these.
namespace failing_calls {

/// Lets `skip` calls pass, then `fail` calls fail with `error`.
struct fault {
  void set(int skipped, int failing, int with) {
    error = with;
    skip = skipped;
    fail = failing;
  }
  /// Whether the present call is to fail; sets errno then.
  bool strikes();

  std::atomic<int> skip{0}, fail{0}, error{0};
};

/// epoll_ctl(EPOLL_CTL_ADD).
extern fault epoll_add;
/// read() and write() on pipes.
extern fault pipe_read, pipe_write;
/// pipe2().
extern fault new_pipe;

} // namespace failing_calls
