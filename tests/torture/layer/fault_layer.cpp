// A layer between the program `orcon` and the C library, loaded by LD_PRELOAD.
// It lets the n-th call of one kind fail, counts calls, and writes down what
// the program does to files, so that a power cut can be replayed. Configured
// by environment variables, which the program's children do not inherit:
//
//   ORCON_FAULT=CALL:N:ERRNO[:stays]  the N-th CALL fails (all later ones too);
//                    with LOST as ERRNO it does nothing and reports success
//   ORCON_FAULT_MARK=FILE     is created when a call has failed
//   ORCON_FAULT_COUNTS=FILE   gets "CALL COUNT" for each kind at the end
//   ORCON_TRACE=FILE          gets the operations on files below the current
//                             folder, in the format of tests/torture/trace.hpp

#include "tests/torture/layer/faults.hpp"

namespace {

mode_t mode_of(int flags, va_list& more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0
           ? static_cast<mode_t>(va_arg(more, int))
           : 0;
}

int open_file(const char* path, int flags, mode_t mode) {
  int result = 0;
  if (ended(k_open, -1, -1, result))
    return result;
  const in_order guard;
  const auto existed = trace < 0 || ::syscall(SYS_access, path, F_OK) == 0;
  const auto fd
    = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (fd >= 0 && !existed)
    note("create", inside(path), 0, nullptr, 0);
  if (fd >= 0 && existed && (flags & O_TRUNC) != 0)
    note_file("truncate", fd, 0, nullptr, 0);
  return fd;
}

ssize_t pwrite_file(int fd, const void* data, std::size_t size, off64_t at) {
  ssize_t result = 0;
  if (ended(k_pwrite, static_cast<ssize_t>(size), ssize_t{-1}, result))
    return result;
  const in_order guard;
  const auto n = ::syscall(SYS_pwrite64, fd, data, size, at);
  if (n > 0)
    note_file("write", fd, at, data, static_cast<std::size_t>(n));
  return n;
}

int sync_file(int fd, int number) {
  int result = 0;
  if (ended(k_fsync, 0, -1, result))
    return result;
  const in_order guard;
  const auto code = static_cast<int>(::syscall(number, fd));
  if (code == 0)
    note_file("sync", fd, 0, nullptr, 0);
  return code;
}

int truncate_file(int fd, off64_t size) {
  int result = 0;
  if (ended(k_ftruncate, 0, -1, result))
    return result;
  const in_order guard;
  const auto code = static_cast<int>(::syscall(SYS_ftruncate, fd, size));
  if (code == 0)
    note_file("truncate", fd, size, nullptr, 0);
  return code;
}

int rename_file(const char* from, const char* to, unsigned flags) {
  int result = 0;
  if (ended(k_rename, 0, -1, result))
    return result;
  const in_order guard;
  const auto code = static_cast<int>(
    ::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags));
  const auto *a = inside(from), *b = inside(to);
  if (code == 0 && a && b)
    note("rename", a, 0, b, std::strlen(b));
  return code;
}

ssize_t pread_file(int fd, void* to, std::size_t size, off64_t at) {
  ssize_t result = 0;
  if (ended(k_pread, ssize_t{0}, ssize_t{-1}, result))
    return result;
  return ::syscall(SYS_pread64, fd, to, size, at);
}

} // namespace

// What the program and the libraries below it call.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_file(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_file(path, flags, mode);
}

FILE* fopen(const char* path, const char* mode) {
  static auto* const real = next<decltype(::fopen)>("fopen");
  FILE* result = nullptr;
  return ended<FILE*>(k_open, nullptr, nullptr, result) ? result
                                                        : real(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  static auto* const real = next<decltype(::fopen)>("fopen64");
  FILE* result = nullptr;
  return ended<FILE*>(k_open, nullptr, nullptr, result) ? result
                                                        : real(path, mode);
}

ssize_t read(int fd, void* to, size_t size) {
  static auto* const real = next<decltype(::read)>("read");
  ssize_t result = 0;
  if (cannot_fail(fd))
    return real(fd, to, size);
  return ended(k_read, ssize_t{0}, ssize_t{-1}, result) ? result
                                                        : real(fd, to, size);
}

ssize_t pread(int fd, void* to, size_t size, off_t at) {
  return pread_file(fd, to, size, at);
}

ssize_t pread64(int fd, void* to, size_t size, off64_t at) {
  return pread_file(fd, to, size, at);
}

ssize_t write(int fd, const void* data, size_t size) {
  static auto* const real = next<decltype(::write)>("write");
  ssize_t result = 0;
  if (cannot_fail(fd))
    return real(fd, data, size);
  if (ended(k_write, static_cast<ssize_t>(size), ssize_t{-1}, result))
    return result;
  if (fd != 1)
    return real(fd, data, size);
  const in_order guard;
  const auto n = real(fd, data, size);
  if (n > 0)
    note("print", "stdout", 0, data, static_cast<size_t>(n));
  return n;
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  return pwrite_file(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  return pwrite_file(fd, data, size, at);
}

int fsync(int fd) {
  return sync_file(fd, SYS_fsync);
}

int fdatasync(int fd) {
  return sync_file(fd, SYS_fdatasync);
}

int ftruncate(int fd, off_t size) noexcept {
  return truncate_file(fd, size);
}

int ftruncate64(int fd, off64_t size) noexcept {
  return truncate_file(fd, size);
}

int rename(const char* from, const char* to) noexcept {
  return rename_file(from, to, 0);
}

int renameat2(int from_at, const char* from, int to_at, const char* to,
              unsigned flags) noexcept {
  static auto* const real = next<decltype(::renameat2)>("renameat2");
  return from_at == AT_FDCWD && to_at == AT_FDCWD
           ? rename_file(from, to, flags)
           : real(from_at, from, to_at, to, flags);
}

int unlink(const char* path) noexcept {
  int result = 0;
  if (ended(k_unlink, 0, -1, result))
    return result;
  const in_order guard;
  const auto code
    = static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  if (code == 0)
    note("unlink", inside(path), 0, nullptr, 0);
  return code;
}

void* mmap(void* at, size_t size, int protection, int flags, int fd,
           off_t offset) noexcept {
  static auto* const real = next<decltype(::mmap)>("mmap");
  void* result = nullptr;
  return ended(k_mmap, MAP_FAILED, MAP_FAILED, result)
           ? result
           : real(at, size, protection, flags, fd, offset);
}

void* mmap64(void* at, size_t size, int protection, int flags, int fd,
             off64_t offset) noexcept {
  return ::mmap(at, size, protection, flags, fd, offset);
}

int pipe2(int* ends, int flags) noexcept {
  static auto* const real = next<decltype(::pipe2)>("pipe2");
  int result = 0;
  return ended(k_pipe, -1, -1, result) ? result : real(ends, flags);
}

int clone(int (*child)(void*), void* stack, int flags, void* argument,
          ...) noexcept {
  static auto* const real = next<decltype(::clone)>("clone");
  va_list more;
  va_start(more, argument);
  auto* pidfd = va_arg(more, int*);
  va_end(more);
  int result = 0;
  return ended(k_clone, -1, -1, result)
           ? result
           : real(child, stack, flags, argument, pidfd);
}

int epoll_ctl(int epoll, int op, int fd, epoll_event* event) noexcept {
  static auto* const real = next<decltype(::epoll_ctl)>("epoll_ctl");
  int result = 0;
  return ended(k_epoll_ctl, 0, -1, result) ? result
                                           : real(epoll, op, fd, event);
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
  static auto* const real = next<decltype(::epoll_wait)>("epoll_wait");
  int result = 0;
  return ended(k_epoll_wait, 0, -1, result)
           ? result
           : real(epoll, events, most, timeout);
}

int poll(pollfd* files, nfds_t count, int timeout) {
  static auto* const real = next<decltype(::poll)>("poll");
  int result = 0;
  return ended(k_poll, 0, -1, result) ? result : real(files, count, timeout);
}

int flock(int fd, int operation) noexcept {
  static auto* const real = next<decltype(::flock)>("flock");
  int result = 0;
  return ended(k_flock, 0, -1, result) ? result : real(fd, operation);
}

static int fcntl_file(const char* name, int fd, int command, void* argument) {
  using function = int(int, int, ...);
  static auto* const real = next<function>(name);
  int result = 0;
  return ended(k_fcntl, 0, -1, result) ? result : real(fd, command, argument);
}

int fcntl(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  auto* argument = va_arg(more, void*);
  va_end(more);
  return fcntl_file("fcntl", fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  auto* argument = va_arg(more, void*);
  va_end(more);
  return fcntl_file("fcntl", fd, command, argument);
}

int fstat(int fd, struct stat* to) noexcept {
  static auto* const real = next<decltype(::fstat)>("fstat");
  int result = 0;
  return ended(k_fstat, -1, -1, result) ? result : real(fd, to);
}

int fstat64(int fd, struct stat64* to) noexcept {
  static auto* const real = next<decltype(::fstat64)>("fstat64");
  int result = 0;
  return ended(k_fstat, -1, -1, result) ? result : real(fd, to);
}

long syscall(long number, ...) noexcept {
  using function = long(long, ...);
  static auto* const real = next<function>("syscall");
  va_list more;
  va_start(more, number);
  long a[6];
  for (auto& value : a)
    value = va_arg(more, long);
  va_end(more);
  long result = 0;
  if (number == SYS_pidfd_open && ended(k_pidfd_open, -1L, -1L, result))
    return result;
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

} // extern "C"
