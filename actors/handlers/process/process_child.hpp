#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <sys/types.h>

#include "actors/handlers/process/process_runner.hpp"
#include "actors/handlers/process/unique_fd.hpp"

namespace conductor {

/// A running process as the runner's loop sees it.
class process_child {
public:
  using time_point = std::chrono::steady_clock::time_point;

  process_child(attempt_key child_key, process_spec& spec,
                process_runner::callback on_end)
    : key(child_key), done(std::move(on_end)), timeout(spec.timeout),
      output_cap_(spec.output_cap), on_output_(std::move(spec.on_output)) {
    if (spec.input)
      input_ = std::move(*spec.input);
  }

  /// Reads once from stdout or stderr. False at its end and after an error.
  bool read_output();
  bool read_errors(const process_options& options);
  /// Writes what fits. False when all is written, or nobody reads it, or after
  /// an error.
  bool write_input();
  /// Reads what the process has left in its pipes. Does not wait for their
  /// end: processes that it left behind may hold them open for ever.
  void drain(const process_options& options);

  /// Whether it has ended; does not reap it.
  bool ended() const;
  /// Reaps it and takes its status; it must have ended.
  void reap();
  /// Sends a signal to its whole group.
  void signal(int number) const;

  const attempt_key key;
  process_runner::callback done;
  process_result result;
  const milliseconds timeout;
  pid_t pid = -1;
  unique_fd end, in, out, err; ///< pidfd, and this program's ends of the pipes
  unsigned watched = 0;        ///< bit s: stream s is in the loop's epoll set
  time_point started{};
  time_point deadline = time_point::max(); ///< of the present phase
  enum { running, terminating, killed } phase = running;

private:
  void keep_output(const char* data, std::size_t size);
  void keep_errors(const char* data, std::size_t size, std::size_t cap);

  const std::size_t output_cap_;
  const std::function<void(std::string_view)> on_output_;
  std::string input_;
  std::size_t written_ = 0;
};

} // namespace conductor
