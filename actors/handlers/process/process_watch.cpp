#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/epoll.h>

#include "actors/handlers/process/process_loop.hpp"

namespace conductor {

namespace {

constexpr unsigned stream_bits = 2;
constexpr unsigned stream_mask = 3;

} // namespace

bool process_runner::loop::watch(int fd, std::uint32_t events, number n,
                                 stream s) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = n << stream_bits | s;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void process_runner::loop::unwatch(const unique_fd& fd) {
  // Closing is not enough while a fork of the host holds a duplicate.
  if (fd)
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr);
}

unique_fd& process_runner::loop::fd_of(process_child& child, stream s) {
  switch (s) {
  case in_stream: return child.in;
  case out_stream: return child.out;
  case err_stream: return child.err;
  case end_stream: break;
  }
  return child.end;
}

/// False if the system refuses to watch a stream; data is moved once then.
bool process_runner::loop::watch_streams(number n, process_child& child) {
  bool all = true;
  for (const auto s : {end_stream, in_stream, out_stream, err_stream}) {
    const auto& fd = fd_of(child, s);
    if (!fd || (child.watched >> s & 1u))
      continue;
    if (s == out_stream || s == err_stream)
      ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
    if (watch(fd.get(), s == in_stream ? EPOLLOUT : EPOLLIN, n, s)) {
      child.watched |= 1u << s;
      continue;
    }
    all = false;
    if (s != end_stream)
      move_data(child, s);
  }
  return all;
}

void process_runner::loop::handle(const epoll_event& event) {
  const number n = event.data.u64 >> stream_bits;
  const auto s = static_cast<stream>(event.data.u64 & stream_mask);
  if (n == 0) {
    std::uint64_t count;
    [[maybe_unused]] const auto r = ::read(wake_.get(), &count, sizeof count);
    return;
  }
  const auto found = children_.find(n);
  if (found == children_.end())
    return;
  if (s == end_stream)
    finish(n);
  else
    move_data(found->second, s);
}

void process_runner::loop::move_data(process_child& child, stream s) {
  auto& fd = fd_of(child, s);
  if (!fd)
    return;
  const bool open = s == in_stream    ? child.write_input()
                    : s == out_stream ? child.read_output()
                                      : child.read_errors(options_);
  if (open)
    return;
  if (child.watched >> s & 1u)
    unwatch(fd);
  fd.reset();
}

void process_runner::loop::finish(number n) {
  auto node = children_.extract(n);
  auto& child = node.mapped();
  // Until it is reaped, no other group can have its number.
  if (child.phase != process_child::running)
    child.signal(SIGKILL);
  child.reap();
  if (child.deadline != time_point::max())
    deadlines_.erase({child.deadline, n});
  child.result.ran = execution_time::since(child.started);
  queue_.remove(child.key);
  // The next process first: it can run while this thread attends to the one
  // that ended.
  start_waiting();
  for (const auto s : {end_stream, in_stream, out_stream, err_stream})
    if (child.watched >> s & 1u)
      unwatch(fd_of(child, s));
  child.drain(options_);
  child.done(std::move(child.result));
}

void process_runner::loop::set_deadline(number n, process_child& child,
                                        time_point at) {
  if (child.deadline != time_point::max())
    deadlines_.erase({child.deadline, n});
  child.deadline = at;
  if (at != time_point::max())
    deadlines_.emplace(at, n);
}

void process_runner::loop::terminate(number n, process_child& child,
                                     stop_reason reason) {
  if (child.phase != process_child::running || child.ended())
    return;
  child.result.stopped = reason;
  child.signal(SIGTERM);
  child.phase = process_child::terminating;
  set_deadline(n, child, clock::now() + options_.grace);
}

void process_runner::loop::check_deadlines() {
  if (deadlines_.empty())
    return;
  const auto now = clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto n = deadlines_.begin()->second;
    auto& child = children_.at(n);
    const auto phase = child.phase;
    set_deadline(n, child, time_point::max());
    if (phase == process_child::running)
      terminate(n, child, stop_reason::timeout);
    else {
      child.signal(SIGKILL);
      child.phase = process_child::killed;
    }
  }
}

void process_runner::loop::check_unwatched() {
  if (unwatched_.empty())
    return;
  const auto now = clock::now();
  while (!unwatched_.empty() && unwatched_.front().first <= now) {
    const auto n = unwatched_.front().second;
    unwatched_.pop_front();
    const auto c = children_.find(n);
    if (c == children_.end() || watch_streams(n, c->second))
      continue;
    if (c->second.ended())
      finish(n);
    else
      unwatched_.emplace_back(now + watch_after, n);
  }
}

void process_runner::loop::check_shortage() {
  if (try_again_ > clock::now())
    return;
  try_again_ = time_point::max();
  start_waiting();
}

int process_runner::loop::wait_time() const {
  auto next = try_again_;
  if (!deadlines_.empty())
    next = std::min(next, deadlines_.begin()->first);
  if (!unwatched_.empty())
    next = std::min(next, unwatched_.front().first);
  if (next == time_point::max())
    return -1;
  const auto left
    = std::chrono::ceil<milliseconds>(next - clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void process_runner::loop::kill_all() {
  for (auto& [n, child] : children_)
    child.signal(SIGKILL);
  for (auto& [n, child] : children_)
    child.reap();
}

} // namespace conductor
