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

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

// A name that is defined below would call itself; this is the next one.
template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

// -- faults -------------------------------------------------------------------

enum kind : std::size_t {
  k_open,
  k_read,
  k_pread,
  k_write,
  k_pwrite,
  k_fsync,
  k_ftruncate,
  k_rename,
  k_unlink,
  k_mmap,
  k_pipe,
  k_clone,
  k_epoll_ctl,
  k_epoll_wait,
  k_pidfd_open,
  k_poll,
  k_flock,
  k_fcntl,
  k_fstat,
  kinds
};

constexpr std::array<const char*, kinds> names{
  "open",       "read",   "pread", "write", "pwrite", "fsync",     "ftruncate",
  "rename",     "unlink", "mmap",  "pipe",  "clone",  "epoll_ctl", "epoll_wait",
  "pidfd_open", "poll",   "flock", "fcntl", "fstat"};

struct named_error {
  const char* name;
  int number;
};
constexpr int lost = -1;
constexpr named_error errors[]
  = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE},
     {"ENOMEM", ENOMEM}, {"EINTR", EINTR},   {"EAGAIN", EAGAIN},
     {"ESTALE", ESTALE}, {"EACCES", EACCES}, {"LOST", lost}};

struct plan {
  bool active = false; ///< this is the program that is meant
  std::size_t call = kinds;
  long n = 0;
  int error = 0;
  bool stays = false;
  char mark[PATH_MAX] = "", counts[PATH_MAX] = "";
} now;

std::atomic<long> calls[kinds];

void put(const char* path, const char* text, int flags) {
  const auto fd = static_cast<int>(
    ::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | flags, 0600));
  if (fd < 0)
    return;
  (void)!::syscall(SYS_write, fd, text, std::strlen(text));
  ::syscall(SYS_close, fd);
}

/// 0 = the call is to be made, else the error that it is to have.
int strikes(kind k) {
  if (!now.active)
    return 0;
  const auto number = ++calls[k];
  if (k != now.call || (now.stays ? number < now.n : number != now.n))
    return 0;
  const auto kept = errno;
  if (now.mark[0] != 0)
    put(now.mark, "struck\n", O_APPEND);
  errno = kept;
  return now.error;
}

/// Whether the call of this kind is over before it began, with `result`.
template <class Result>
bool ended(kind k, Result success, Result failure, Result& result) {
  const auto error = strikes(k);
  if (error == 0)
    return false;
  if (error != lost)
    errno = error;
  result = error == lost ? success : failure;
  return true;
}

/// Counters of events are no files: what fails there is only a signal's fault.
bool cannot_fail(int fd) {
  if (now.error == EINTR)
    return false;
  char link[64], target[32] = "";
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  (void)!::syscall(SYS_readlinkat, AT_FDCWD, link, target, sizeof target - 1);
  return std::strstr(target, "eventfd") != nullptr;
}

// -- the trace ----------------------------------------------------------------

int trace = -1;
char folder[PATH_MAX];
pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

/// Calls on files are one after another while they are written down.
struct in_order {
  in_order() {
    if (trace >= 0)
      ::pthread_mutex_lock(&order);
  }
  ~in_order() {
    if (trace >= 0)
      ::pthread_mutex_unlock(&order);
  }
};

/// The name of a file within the folder, or nullptr for any other file.
const char* inside(const char* path) {
  const auto size = std::strlen(folder);
  if (path[0] != '/')
    return path;
  return std::strncmp(path, folder, size) == 0 && path[size] == '/'
           ? path + size + 1
           : nullptr;
}

void note(const char* op, const char* path, long long at, const void* data,
          std::size_t size) {
  if (trace < 0 || path == nullptr)
    return;
  char head[PATH_MAX + 80];
  const auto kept = errno;
  const auto n
    = std::snprintf(head, sizeof head, "%s %lld %zu %s\n", op, at, size, path);
  (void)!::syscall(SYS_write, trace, head, static_cast<std::size_t>(n));
  if (size > 0)
    (void)!::syscall(SYS_write, trace, data, size);
  errno = kept;
}

void note_file(const char* op, int fd, long long at, const void* data,
               std::size_t size) {
  if (trace < 0)
    return;
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const auto kept = errno;
  const auto n
    = ::syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = kept;
  if (n <= 0)
    return;
  path[n] = 0;
  if (std::strcmp(path, folder) == 0)
    note("syncdir", ".", 0, nullptr, 0);
  else
    note(op, inside(path), at, data, size);
}

// -- the beginning and the end ------------------------------------------------

void read_fault(char* text) {
  char* rest = nullptr;
  const auto* call = ::strtok_r(text, ":", &rest);
  const auto* n = ::strtok_r(nullptr, ":", &rest);
  const auto* error = ::strtok_r(nullptr, ":", &rest);
  const auto* stays = ::strtok_r(nullptr, ":", &rest);
  for (std::size_t k = 0; k < kinds; ++k)
    if (call && std::strcmp(call, names[k]) == 0)
      now.call = k;
  for (const auto& e : errors)
    if (error && std::strcmp(error, e.name) == 0)
      now.error = e.number;
  now.n = n ? std::atol(n) : 0;
  now.stays = stays != nullptr;
  if (now.call == kinds || now.error == 0 || now.n == 0) {
    std::fprintf(stderr, "fault layer: ORCON_FAULT cannot be read\n");
    ::_exit(99);
  }
}

void take(const char* variable, char* to) {
  if (const auto* value = std::getenv(variable))
    std::snprintf(to, PATH_MAX, "%s", value);
}

__attribute__((constructor)) void begin() {
  if (std::strcmp(program_invocation_short_name, "orcon") != 0)
    return;
  char fault[200] = "", file[PATH_MAX] = "";
  take("ORCON_FAULT_MARK", now.mark);
  take("ORCON_FAULT_COUNTS", now.counts);
  take("ORCON_TRACE", file);
  if (const auto* value = std::getenv("ORCON_FAULT"))
    std::snprintf(fault, sizeof fault, "%s", value);
  for (const auto* variable : {"LD_PRELOAD", "ORCON_FAULT", "ORCON_FAULT_MARK",
                               "ORCON_FAULT_COUNTS", "ORCON_TRACE"})
    ::unsetenv(variable);
  if (fault[0] != 0)
    read_fault(fault);
  if (file[0] != 0 && ::getcwd(folder, sizeof folder))
    trace = static_cast<int>(
      ::syscall(SYS_openat, AT_FDCWD, file,
                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  now.active = true;
}

__attribute__((destructor)) void end() {
  if (!now.active || now.counts[0] == 0)
    return;
  for (std::size_t k = 0; k < kinds; ++k) {
    char line[80];
    std::snprintf(line, sizeof line, "%s %ld\n", names[k], calls[k].load());
    put(now.counts, line, O_APPEND);
  }
}

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
