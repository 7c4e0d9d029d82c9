#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <conductor/handler.hpp>
#include <conductor/time.hpp>

namespace conductor {

/// A process to run, in a group of its own and without a controlling terminal.
struct process_spec {
  std::vector<std::string> argv; ///< argv[0] is searched in the PATH of `env`
  std::vector<std::string> env;  ///< "NAME=value"; nothing is inherited
  std::string directory;         ///< empty = that of this program
  std::optional<std::string> input;  ///< its stdin; nullopt = /dev/null
  bool keep_output = true;           ///< false: stdout goes to /dev/null
  std::size_t output_cap = 1u << 20; ///< bytes of stdout kept
  milliseconds timeout{0};           ///< 0 = none
  /// Called from the runner's thread with each piece of stdout; may be empty.
  std::function<void(std::string_view)> on_output;
};

/// How a process ended.
struct process_result {
  int spawn_error = 0;       ///< errno if it was never started
  std::string spawn_message; ///< the error in words
  bool status_lost = false;  ///< another part of the program reaped it
  int exit_code = 0;
  int signal = 0; ///< the signal that killed it; 0 = it exited
  std::optional<stop_reason> stopped; ///< why it was asked to stop
  std::string output;                 ///< beginning of stdout
  bool output_cut = false;
  std::string errors;             ///< end of stderr
  std::size_t errors_dropped = 0; ///< bytes of stderr before it
  /// errno: a pipe failed, so that not all of stdin, stdout or stderr went
  /// through it.
  int pipe_error = 0;
  execution_time ran;
};

struct process_options {
  std::size_t errors_cap = 4096; ///< bytes of stderr kept
  milliseconds grace{5000};      ///< from SIGTERM to SIGKILL
  /// How long a process waits for what the system is short of (descriptors,
  /// processes, memory) while no other process of the runner could free it.
  milliseconds shortage_patience{5000};
  /// Processes at once; further ones wait. 0 = no bound.
  std::size_t slots = 0;
};

/// Runs processes, all watched by one thread. However that thread or the whole
/// program ends, the kernel kills the processes.
class process_runner {
public:
  /// Called once for each process, from the runner's thread.
  using callback = std::function<void(process_result)>;

  /// Throws std::system_error if the system lacks what it needs.
  explicit process_runner(process_options options = {});
  /// Kills all groups; no callback is called after that. Must not be called
  /// from a callback.
  ~process_runner();
  process_runner(const process_runner&) = delete;
  process_runner& operator=(const process_runner&) = delete;

  /// `which` is unique among the processes that have not been called back.
  void start(attempt_key which, process_spec spec, callback done);
  /// SIGTERM to the group, after the grace SIGKILL. Unknown keys are ignored.
  void stop(attempt_key which, stop_reason reason);
  /// Takes back the processes that still wait for a slot and were given to
  /// `start` before that time; their callbacks are not called.
  std::vector<attempt_key> withdraw(handler::time_point started_before
                                    = handler::time_point::max());

private:
  class loop;
  std::unique_ptr<loop> loop_;
};

} // namespace conductor
