#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <unordered_map>

#include "actors/handlers/attempt_queue.hpp"
#include "actors/handlers/process/process_child.hpp"
#include "actors/handlers/process/process_runner.hpp"
#include "actors/handlers/process/process_spawn.hpp"

struct epoll_event;

namespace conductor {

/// The thread behind a process_runner. Below `wake_up` all members belong to
/// that thread.
class process_runner::loop {
public:
  using clock = execution_time::clock;
  using time_point = clock::time_point;

  explicit loop(process_options options);
  ~loop();

  void start(attempt_key which, process_spec spec, callback done);
  void stop(attempt_key which, stop_reason reason);
  std::vector<attempt_key> withdraw(time_point started_before);

private:
  using number = std::uint64_t; ///< of a process, in the order of starting

  enum stream : unsigned { end_stream, in_stream, out_stream, err_stream };

  static constexpr milliseconds shortage_retry{100};

  /// Most processes end sooner than this, and their output fits into a pipe:
  /// the pipes of those are only read once, at the end.
  static constexpr milliseconds watch_after{10};

  struct job {
    process_spec spec;
    callback done;
    number child = 0; ///< once it has begun
  };
  using queue = attempt_queue<job>;

  /// Runs `command` on the loop's thread.
  void post(std::function<void()> command);
  void wake_up();

  void run();
  bool run_commands();
  void stop_process(attempt_key which, stop_reason reason);
  void start_waiting();
  bool launch(queue::entry& next);
  bool wait_out_shortage();
  void follow(number n, process_child started);
  bool watch(int fd, std::uint32_t events, number n, stream s);
  bool watch_streams(number n, process_child& child);
  void unwatch(const unique_fd& fd);
  void handle(const epoll_event& event);
  static unique_fd& fd_of(process_child& child, stream s);
  void move_data(process_child& child, stream s);
  void finish(number n);
  void refuse(attempt_key which, execution_time ran, int error,
              std::string message);
  void set_deadline(number n, process_child& child, time_point at);
  void terminate(number n, process_child& child, stop_reason reason);
  void check_deadlines();
  void check_unwatched();
  void check_shortage();
  int wait_time() const;
  void kill_all();

  const process_options options_;
  unique_fd epoll_, wake_, null_;
  std::mutex mutex_;
  std::vector<std::function<void()>> commands_; ///< guarded by mutex_
  bool woken_ = false;                          ///< guarded by mutex_
  bool stopping_ = false;                       ///< guarded by mutex_

  spawner spawn_;
  number next_ = 1;
  queue queue_;
  std::unordered_map<number, process_child> children_;
  std::set<std::pair<time_point, number>> deadlines_;
  std::deque<std::pair<time_point, number>> unwatched_;
  std::optional<time_point> short_since_;    ///< with no process of ours
  time_point try_again_ = time_point::max(); ///< after a shortage
  std::thread thread_;
};

} // namespace conductor
