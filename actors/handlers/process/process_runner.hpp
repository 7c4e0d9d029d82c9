#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <conductor/time.hpp>

namespace conductor {

/// A process to run, in a group of its own.
struct process_spec {
  std::vector<std::string> argv; ///< argv[0] is searched in the PATH of `env`
  std::vector<std::string> env;  ///< "NAME=value"; all that it gets
  std::string directory;         ///< empty = ours
  std::optional<std::string> input;  ///< its stdin; nullopt = /dev/null
  bool keep_output = true;           ///< false: stdout goes to /dev/null
  std::size_t output_cap = 1u << 20; ///< bytes of stdout kept
  milliseconds timeout{0};           ///< 0 = none
};

/// How a process ended.
struct process_result {
  int spawn_error = 0;       ///< errno: it was never started
  std::string spawn_message; ///< for people, if it was not
  bool status_lost = false;  ///< somebody else of our program waited for it
  int exit_code = 0;
  int signal = 0; ///< that killed it; 0 = it exited
  /// Why it was asked to stop: "timeout" or what `cancel` was given.
  std::string stopped;
  std::string output; ///< beginning of stdout
  bool output_cut = false;
  std::string errors; ///< end of stderr
  bool errors_cut = false;
  std::chrono::microseconds busy{0};
};

struct process_options {
  std::size_t errors_cap = 4096; ///< bytes of stderr kept
  milliseconds grace{5000};      ///< from SIGTERM to SIGKILL
  /// Processes at once; further ones wait for their turn. 0 = no bound.
  std::size_t slots = 0;
};

/// Runs processes, all watched by one thread. When that thread or the whole
/// program dies, however it dies, the kernel kills them.
class process_runner {
public:
  /// Chosen by the caller; unique among what it has started and not got back.
  using key = std::pair<std::int64_t, std::int32_t>;
  /// Called once for each process, from the runner's thread.
  using callback = std::function<void(process_result)>;

  /// Throws std::system_error if the system denies what it needs.
  explicit process_runner(process_options options = {});
  /// Kills all groups and calls back no more. Not from a callback.
  ~process_runner();
  process_runner(const process_runner&) = delete;
  process_runner& operator=(const process_runner&) = delete;

  void start(key id, process_spec spec, callback done);
  /// SIGTERM to the group, after the grace SIGKILL. Unknown ids are ignored.
  void cancel(key id, std::string reason);
  /// Takes back all that wait for their turn; nobody is called back for them.
  std::vector<key> withdraw_waiting();

private:
  class loop;
  std::unique_ptr<loop> loop_;
};

} // namespace conductor
