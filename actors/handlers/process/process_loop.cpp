#include "actors/handlers/process/process_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
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

std::string trouble(const char* what, const std::string& name, int error) {
  return std::string(what) + " \"" + name
         + "\": " + std::generic_category().message(error);
}

} // namespace

process_runner::loop::loop(process_options options)
  : options_(options),
    epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
    wake_(checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
  require_pidfd();
  // Above the standard descriptors, which a host may have closed.
  const unique_fd null(
    checked(::open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null"));
  null_.reset(checked(::fcntl(null.get(), F_DUPFD_CLOEXEC, 3), "/dev/null"));
  if (!watch(wake_.get(), EPOLLIN, 0, end_stream))
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  // Signals of the host are none of this thread's business, and the spawner
  // needs it so.
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

void process_runner::loop::start(key id, process_spec spec, callback done) {
  tell({id, std::move(spec), std::move(done), {}});
}

void process_runner::loop::cancel(key id, std::string reason) {
  tell({id, {}, nullptr, std::move(reason)});
}

void process_runner::loop::tell(command c) {
  bool sleeping = false;
  {
    const std::lock_guard guard(mutex_);
    inbox_.push_back(std::move(c));
    sleeping = !std::exchange(woken_, true);
  }
  if (sleeping)
    wake_up();
}

void process_runner::loop::wake_up() {
  const std::uint64_t one = 1;
  // Fails only if it is readable already.
  [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
}

void process_runner::loop::run() {
  std::array<epoll_event, 128> events;
  while (obey()) {
    const int n = ::epoll_wait(epoll_.get(), events.data(),
                               static_cast<int>(events.size()), patience());
    for (int i = 0; i < n; ++i)
      handle(events[static_cast<std::size_t>(i)]);
    check_deadlines();
    check_outputs();
  }
  kill_all();
}

bool process_runner::loop::obey() {
  std::vector<command> commands;
  {
    const std::lock_guard guard(mutex_);
    if (stopping_)
      return false;
    commands.swap(inbox_);
    woken_ = false;
  }
  for (auto& c : commands)
    accept(std::move(c));
  return true;
}

std::vector<process_runner::key> process_runner::loop::withdraw_waiting() {
  std::promise<std::vector<key>> answer;
  tell({{}, {}, nullptr, {}, &answer});
  return answer.get_future().get();
}

void process_runner::loop::accept(command c) {
  if (c.withdrawn) {
    std::vector<key> keys;
    for (const auto& [n, waits] : waiting_) {
      keys.push_back(waits.id);
      numbers_.erase(waits.id);
    }
    waiting_.clear();
    c.withdrawn->set_value(std::move(keys));
    return;
  }
  if (!c.done) {
    stop_by_key(c.id, c.reason);
    return;
  }
  numbers_[c.id] = next_;
  waiting_.emplace(next_++, std::move(c));
  start_waiting();
}

void process_runner::loop::stop_by_key(key id, const std::string& reason) {
  const auto found = numbers_.find(id);
  if (found == numbers_.end())
    return;
  const auto n = found->second;
  if (const auto c = children_.find(n); c != children_.end()) {
    stop(n, c->second, reason);
    return;
  }
  auto node = waiting_.extract(n);
  numbers_.erase(found);
  process_result result;
  result.stopped = reason;
  result.signal = SIGTERM;
  node.mapped().done(std::move(result));
}

void process_runner::loop::start_waiting() {
  while (!waiting_.empty()
         && (options_.slots == 0 || children_.size() < options_.slots)) {
    auto node = waiting_.extract(waiting_.begin());
    if (launch(node.key(), node.mapped()))
      continue;
    waiting_.insert(std::move(node)); // until one of those that run has ended
    return;
  }
}

int process_runner::loop::open_streams(const process_spec& spec,
                                       process_child& child, pipe_ends& in,
                                       pipe_ends& out, pipe_ends& err) {
  if (spec.keep_output)
    if (const int error = open_pipe(out))
      return error;
  if (const int error = open_pipe(err))
    return error;
  if (spec.input) {
    if (const int error = open_pipe(in))
      return error;
    ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  }
  child.in = std::move(in.write);
  child.out = std::move(out.read);
  child.err = std::move(err.read);
  return 0;
}

/// False if the system lacks what it takes while others run: what they hold
/// comes free. That is nobody's failure.
bool process_runner::loop::launch(number n, command& c) {
  const auto& spec = c.spec;
  process_child child(c.id, c.spec, std::move(c.done));
  const auto refused = [&](int error, std::string message) {
    if (is_shortage(error) && !children_.empty()) {
      child.return_to(c.spec, c.done);
      return false;
    }
    refuse(child, error, std::move(message));
    return true;
  };
  if (spec.argv.empty())
    return refused(EINVAL, "there is no program to run");
  const auto& name = spec.argv.front();
  pipe_ends in, out, err;
  if (const int error = open_streams(spec, child, in, out, err))
    return refused(error, trouble("cannot run", name, error));
  auto program = find_program(name, path_in(spec.env), spec.directory);
  if (program.error)
    return refused(program.error, trouble("cannot run", name, program.error));
  const auto or_null
    = [&](const unique_fd& fd) { return fd ? fd.get() : null_.get(); };
  child.started = clock::now();
  auto process
    = spawn_({std::move(program.file), spec.argv, spec.env, spec.directory,
              or_null(in.read), or_null(out.write), err.write.get()});
  if (process.error)
    return refused(process.error,
                   process.in_directory
                     ? trouble("cannot enter", spec.directory, process.error)
                     : trouble("cannot run", name, process.error));
  child.pid = process.pid;
  child.end = std::move(process.pidfd);
  follow(n, std::move(child));
  return true;
}

void process_runner::loop::follow(number n, process_child started) {
  if (!watch(started.end.get(), EPOLLIN, n, end_stream)) {
    const int error = errno;
    started.signal(SIGKILL);
    started.reap();
    return refuse(started, error,
                  "cannot watch a process: "
                    + std::generic_category().message(error));
  }
  auto& child = children_.emplace(n, std::move(started)).first->second;
  if (child.timeout.count() > 0)
    set_deadline(n, child, child.started + child.timeout);
  if (child.in
      && (!child.write_input()
          || !watch(child.in.get(), EPOLLOUT, n, in_stream)))
    child.in.reset();
  unwatched_.emplace_back(child.started + watch_after, n);
}

void process_runner::loop::refuse(process_child& child, int error,
                                  std::string message) {
  numbers_.erase(child.id);
  process_result result;
  result.spawn_error = error;
  result.spawn_message = std::move(message);
  child.done(std::move(result));
}

} // namespace conductor
