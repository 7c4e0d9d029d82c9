#pragma once

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

/// Which call fails, what is counted, and the trace of operations on files.
/// Included by fault_layer.cpp alone.
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

} // namespace
