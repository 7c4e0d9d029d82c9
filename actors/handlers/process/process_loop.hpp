#pragma once

#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include "actors/handlers/process/process_child.hpp"
#include "actors/handlers/process/process_runner.hpp"
#include "actors/handlers/process/process_spawn.hpp"

struct epoll_event;

namespace conductor {

/// The thread behind a process_runner. Below `wake_up` all members belong to
/// that thread.
class process_runner::loop {
public:
  explicit loop(process_options options);
  ~loop();

  void start(key id, process_spec spec, callback done);
  void cancel(key id, std::string reason);
  std::vector<key> withdraw_waiting();

private:
  using clock = std::chrono::steady_clock;
  using time_point = clock::time_point;
  using number = std::uint64_t; ///< of a process, in the order of starting

  enum stream : unsigned { end_stream, in_stream, out_stream, err_stream };

  /// Most processes end sooner than this, and what they write fits into a pipe:
  /// those never cost us more than one look at their pipes, at their end.
  static constexpr milliseconds watch_after{10};

  /// What one wants of the loop: a start (with `done`), all back that waits
  /// (with `withdrawn`), or a cancel.
  struct command {
    key id;
    process_spec spec;
    callback done;
    std::string reason;
    std::promise<std::vector<key>>* withdrawn = nullptr;
  };

  void tell(command c);
  void wake_up();

  void run();
  bool obey();
  void accept(command c);
  void stop_by_key(key id, const std::string& reason);
  void start_waiting();
  bool launch(number n, command& c);
  void follow(number n, process_child started);
  int open_streams(const process_spec& spec, process_child& child,
                   pipe_ends& in, pipe_ends& out, pipe_ends& err);
  bool watch(int fd, std::uint32_t events, number n, stream s);
  void watch_outputs(number n, process_child& child);
  void unwatch(const unique_fd& fd);
  void handle(const epoll_event& event);
  void move_data(process_child& child, stream s);
  void finish(number n);
  void refuse(process_child& child, int error, std::string message);
  void set_deadline(number n, process_child& child, time_point at);
  void stop(number n, process_child& child, const std::string& reason);
  void check_deadlines();
  void check_outputs();
  int patience() const;
  void kill_all();

  const process_options options_;
  unique_fd epoll_, wake_, null_;
  std::mutex mutex_;
  std::vector<command> inbox_; ///< guarded by mutex_
  bool woken_ = false;         ///< guarded by mutex_
  bool stopping_ = false;      ///< guarded by mutex_

  spawner spawn_;
  number next_ = 1;
  std::map<key, number> numbers_;
  std::map<number, command> waiting_;
  std::unordered_map<number, process_child> children_;
  std::set<std::pair<time_point, number>> deadlines_;
  std::deque<std::pair<time_point, number>> unwatched_;
  std::thread thread_;
};

} // namespace conductor
