#include "actors/handlers/process/process_spawn.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <conductor/builtin_handlers.hpp>

// The child shares the memory of this program, sanitizer run-times included:
// its code must not be instrumented and must not call intercepted functions.
#define CONDUCTOR_IN_CHILD                                                     \
  __attribute__((no_sanitize("address", "thread", "undefined"),                \
                 no_stack_protector))

#ifdef __SANITIZE_THREAD__
// ThreadSanitizer's interceptor of clone expects a child with memory of its own
// and would corrupt its clocks in this program's memory.
extern "C" int __clone(int (*)(void*), void*, int, void*, ...);
#define clone __clone
#endif

namespace conductor {

namespace {

constexpr std::size_t stack_size = 64 * 1024;
constexpr int last_signal = 64;

/// The soft limit of open files that this program was started with, if it has
/// been raised since.
std::optional<rlimit> files_at_start;

struct launch {
  const char* file;
  char* const* argv;
  char* const* envp;
  const char* directory;
  int in, out, err;
  int tty; ///< the controlling terminal; -1 = none
  pid_t parent;
  std::uint64_t signals; ///< bit n - 1: signal n is not at its default
  const rlimit* files;   ///< of open files; null = inherited
  volatile int error;
  volatile bool in_directory;
};

/// The argument of the kernel's rt_sigaction; all zero is SIG_DFL.
struct kernel_sigaction {
  void* handler;
  unsigned long flags;
  void* restorer;
  unsigned long mask;
};

/// Signals that this program handles or ignores.
std::uint64_t changed_signals() {
  std::uint64_t found = 0;
  for (int sig = 1; sig <= last_signal; ++sig) {
    kernel_sigaction action{};
    ::syscall(SYS_rt_sigaction, sig, nullptr, &action, sizeof action.mask);
    if (action.handler)
      found |= std::uint64_t{1} << (sig - 1);
  }
  return found;
}

CONDUCTOR_IN_CHILD void default_signals(std::uint64_t changed) {
  const kernel_sigaction action{};
  for (; changed; changed &= changed - 1)
    ::syscall(SYS_rt_sigaction, __builtin_ctzll(changed) + 1, &action, nullptr,
              sizeof action.mask);
  const unsigned long none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, sizeof none);
}

CONDUCTOR_IN_CHILD int die(launch& l, bool in_directory) {
  l.error = errno;
  l.in_directory = in_directory;
  for (;;)
    ::syscall(SYS_exit_group, 127);
}

CONDUCTOR_IN_CHILD int child_main(void* argument) {
  launch& l = *static_cast<launch*>(argument);
  ::syscall(SYS_setpgid, 0, 0);
  // Opening /dev/tty must fail: reading from it would stop the process for
  // ever, since its group is never in the foreground. A new session would do
  // the same, but costs a short process a third of its time where the kernel
  // makes a scheduling group for each session.
  if (l.tty >= 0)
    ::syscall(SYS_ioctl, l.tty, TIOCNOTTY, 0);
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // The parent may have died before the line above.
  if (::syscall(SYS_getppid) != l.parent)
    return die(l, false);
  default_signals(l.signals);
  if (::syscall(SYS_dup3, l.in, 0, 0) < 0
      || ::syscall(SYS_dup3, l.out, 1, 0) < 0
      || ::syscall(SYS_dup3, l.err, 2, 0) < 0)
    return die(l, false);
  if (l.files)
    ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, l.files, nullptr);
  // A host may hold descriptors that are not close-on-exec.
  ::syscall(SYS_close_range, 3u, ~0u, 0u);
  if (l.directory && ::syscall(SYS_chdir, l.directory) < 0)
    return die(l, true);
  ::syscall(SYS_execve, l.file, l.argv, l.envp);
  return die(l, false);
}

int above_standard(unique_fd& fd) {
  if (fd.get() > 2)
    return 0;
  const int other = ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3);
  if (other < 0)
    return errno;
  fd.reset(other);
  return 0;
}

void point_at(const std::vector<std::string>& from, std::vector<char*>& to) {
  to.clear();
  for (const auto& s : from)
    to.push_back(const_cast<char*>(s.c_str()));
  to.push_back(nullptr);
}

int runnable(const std::string& file) {
  struct stat s {};
  if (::stat(file.c_str(), &s) != 0)
    return errno;
  if (!S_ISREG(s.st_mode))
    return EACCES;
  return ::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

} // namespace

void raise_open_files_limit() {
  rlimit files{};
  if (files_at_start || ::getrlimit(RLIMIT_NOFILE, &files) != 0
      || files.rlim_cur >= files.rlim_max)
    return;
  const auto raised = rlimit{files.rlim_max, files.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0)
    files_at_start = files;
}

int open_pipe(pipe_ends& ends) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0)
    return errno;
  ends.read.reset(fds[0]);
  ends.write.reset(fds[1]);
  const int error = above_standard(ends.read);
  return error ? error : above_standard(ends.write);
}

found_program find_program(const std::string& name, std::string_view path,
                           const std::string& directory) {
  if (name.find('/') != std::string::npos)
    return {name, 0};
  int error = ENOENT;
  for (;;) {
    const auto colon = path.find(':');
    std::string file(path.substr(0, colon));
    if (!file.empty())
      file += '/';
    file += name;
    // Relative names are relative to the directory of the process.
    const bool absolute = file.front() == '/' || directory.empty();
    const int found = runnable(absolute ? file : directory + '/' + file);
    if (found == 0)
      return {std::move(file), 0};
    if (found == EACCES)
      error = EACCES;
    if (colon == std::string_view::npos)
      return {{}, error};
    path.remove_prefix(colon + 1);
  }
}

spawner::spawner() {
  stack_ = ::mmap(nullptr, stack_size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack_ == MAP_FAILED)
    throw std::bad_alloc();
  tty_.reset(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
}

spawner::~spawner() {
  ::munmap(stack_, stack_size);
}

spawned spawner::operator()(const spawn_request& request) {
  point_at(request.argv, argv_);
  point_at(request.env, envp_);
  // The 64 system calls cost a fortieth of a short process, and programs set up
  // their signals once.
  const auto now = std::chrono::steady_clock::now();
  if (now - signals_read_ > std::chrono::milliseconds(100)) {
    signals_ = changed_signals();
    signals_read_ = now;
  }
  launch l{request.file.c_str(),
           argv_.data(),
           envp_.data(),
           request.directory.empty() ? nullptr : request.directory.c_str(),
           request.in,
           request.out,
           request.err,
           tty_.get(),
           ::getpid(),
           signals_,
           files_at_start ? &*files_at_start : nullptr,
           0,
           false};
  spawned result;
  int pidfd = -1;
  const pid_t pid
    = ::clone(child_main, static_cast<char*>(stack_) + stack_size,
              CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &l, &pidfd);
  if (pid < 0) {
    result.error = errno;
    return result;
  }
  result.pidfd.reset(pidfd);
  if (l.error) {
    ::waitpid(pid, nullptr, 0);
    result.pidfd.reset();
    result.error = l.error;
    result.in_directory = l.in_directory;
    return result;
  }
  result.pid = pid;
  return result;
}

} // namespace conductor
