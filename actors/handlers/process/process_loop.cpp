#include "actors/handlers/process/process_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <future>
#include <system_error>

#include <conductor/error.hpp>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

namespace conductor {

namespace {

constexpr std::string_view default_path = "/usr/local/bin:/usr/bin:/bin";

void require_pidfd() {
  const unique_fd self(
    static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0u)));
  if (!self)
    throw std::system_error(errno, std::generic_category(),
                            "running processes needs pidfd_open (Linux 5.4)");
}

int checked(int fd, const char* what) {
  if (fd < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return fd;
}

std::string_view path_in(const std::vector<std::string>& env) {
  for (const std::string_view entry : env)
    if (entry.substr(0, 5) == "PATH=")
      return entry.substr(5);
  return default_path;
}

struct child_pipes {
  pipe_ends in, out, err;
};

/// Returns 0 or an errno.
int open_pipes(const process_spec& spec, child_pipes& pipes) {
  if (spec.keep_output)
    if (const int error = open_pipe(pipes.out))
      return error;
  if (const int error = open_pipe(pipes.err))
    return error;
  if (!spec.input)
    return 0;
  const int error = open_pipe(pipes.in);
  if (error == 0)
    ::fcntl(pipes.in.write.get(), F_SETFL, O_NONBLOCK);
  return error;
}

struct spawn_failure {
  int code; ///< errno
  std::string message;
};

std::optional<spawn_failure> spawn(const process_spec& spec, child_pipes& pipes,
                                   int null, spawner& with, spawned& process) {
  if (spec.argv.empty())
    return spawn_failure{EINVAL, "there is no program to run"};
  const auto& name = spec.argv.front();
  const auto failed = [](const char* what, const std::string& file, int code) {
    return spawn_failure{code, std::string(what) + " \"" + file + "\": "
                                 + std::generic_category().message(code)};
  };
  if (const int error = open_pipes(spec, pipes))
    return failed("cannot run", name, error);
  auto program = find_program(name, path_in(spec.env), spec.directory);
  if (program.error)
    return failed("cannot run", name, program.error);
  const auto or_null
    = [&](const unique_fd& fd) { return fd ? fd.get() : null; };
  process = with({std::move(program.file), spec.argv, spec.env, spec.directory,
                  or_null(pipes.in.read), or_null(pipes.out.write),
                  pipes.err.write.get()});
  if (process.error && process.in_directory)
    return failed("cannot enter", spec.directory, process.error);
  if (process.error)
    return failed("cannot run", name, process.error);
  return std::nullopt;
}

} // namespace

process_runner::loop::loop(process_options options)
  : options_(options),
    epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
    wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")),
    queue_(options.slots) {
  require_pidfd();
  // Above the standard descriptors, which a host may have closed.
  const unique_fd null(
    checked(::open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null"));
  null_.reset(checked(::fcntl(null.get(), F_DUPFD_CLOEXEC, 3), "/dev/null"));
  if (!watch(wake_.get(), EPOLLIN, 0, end_stream))
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  // The signals of the host are not for this thread, and the spawner requires
  // that they are blocked.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

process_runner::loop::~loop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_up();
  thread_.join();
}

void process_runner::loop::start(attempt_key which, process_spec spec,
                                 callback done) {
  post([this, which, spec = std::move(spec), done = std::move(done)]() mutable {
    queue_.add(which, {std::move(spec), std::move(done)});
    start_waiting();
  });
}

void process_runner::loop::stop(attempt_key which, stop_reason reason) {
  post([this, which, reason] { stop_process(which, reason); });
}

std::vector<attempt_key>
process_runner::loop::withdraw(time_point started_before) {
  std::promise<std::vector<attempt_key>> answer;
  post([&] { answer.set_value(queue_.withdraw(started_before)); });
  return answer.get_future().get();
}

void process_runner::loop::post(std::function<void()> command) {
  bool sleeping = false;
  {
    const std::lock_guard guard(mutex_);
    commands_.push_back(std::move(command));
    sleeping = !std::exchange(woken_, true);
  }
  if (sleeping)
    wake_up();
}

void process_runner::loop::wake_up() {
  const std::uint64_t one = 1;
  // A full counter (EAGAIN) wakes the loop as well.
  while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR)
    ;
}

void process_runner::loop::run() {
  std::array<epoll_event, 128> events;
  while (run_commands()) {
    const int n = ::epoll_wait(epoll_.get(), events.data(),
                               static_cast<int>(events.size()), wait_time());
    for (int i = 0; i < n; ++i)
      handle(events[static_cast<std::size_t>(i)]);
    check_deadlines();
    check_unwatched();
    check_shortage();
  }
  kill_all();
}

bool process_runner::loop::run_commands() {
  std::vector<std::function<void()>> commands;
  {
    const std::lock_guard guard(mutex_);
    if (stopping_)
      return false;
    commands.swap(commands_);
    woken_ = false;
  }
  for (auto& command : commands)
    command();
  return true;
}

void process_runner::loop::stop_process(attempt_key which, stop_reason reason) {
  const auto* found = queue_.find(which);
  if (!found)
    return;
  if (found->began) {
    const auto n = found->job.child;
    terminate(n, children_.at(n), reason);
    return;
  }
  process_result result;
  result.stopped = reason;
  result.signal = SIGTERM;
  queue_.remove(which)->job.done(std::move(result));
}

void process_runner::loop::start_waiting() {
  while (auto* next = queue_.next())
    if (!launch(*next))
      return;
}

/// False if the system is short of something: that is not a failure of the
/// process, which waits.
bool process_runner::loop::launch(queue::entry& next) {
  const auto began = clock::now();
  child_pipes pipes;
  spawned process;
  auto failure = spawn(next.job.spec, pipes, null_.get(), spawn_, process);
  if (failure && is_shortage(failure->code) && wait_out_shortage())
    return false;
  short_since_.reset();
  if (failure) {
    refuse(next.key, execution_time::since(began), failure->code,
           std::move(failure->message));
    return true;
  }
  queue_.begin(next, began);
  next.job.child = next_++;
  process_child child(next.key, next.job.spec, std::move(next.job.done));
  child.started = began;
  child.pid = process.pid;
  child.end = std::move(process.pidfd);
  child.in = std::move(pipes.in.write);
  child.out = std::move(pipes.out.read);
  child.err = std::move(pipes.err.read);
  follow(next.job.child, std::move(child));
  return true;
}

/// Whether to wait: for a process that ends and frees what it holds, or for
/// the rest of the system to do so.
bool process_runner::loop::wait_out_shortage() {
  if (!children_.empty())
    return true;
  const auto now = clock::now();
  if (!short_since_)
    short_since_ = now;
  if (now - *short_since_ >= options_.shortage_patience)
    return false;
  try_again_ = now + shortage_retry;
  return true;
}

void process_runner::loop::follow(number n, process_child started) {
  auto& child = children_.emplace(n, std::move(started)).first->second;
  if (child.timeout.count() > 0)
    set_deadline(n, child, child.started + child.timeout);
  if (watch(child.end.get(), EPOLLIN, n, end_stream))
    child.watched |= 1u << end_stream;
  if (child.in && !child.write_input())
    child.in.reset();
  else if (child.in && watch(child.in.get(), EPOLLOUT, n, in_stream))
    child.watched |= 1u << in_stream;
  unwatched_.emplace_back(child.started + watch_after, n);
}

void process_runner::loop::refuse(attempt_key which, execution_time ran,
                                  int error, std::string message) {
  process_result result;
  result.ran = ran;
  result.spawn_error = error;
  result.spawn_message = std::move(message);
  queue_.remove(which)->job.done(std::move(result));
}

} // namespace conductor
