#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "actors/handlers/process/unique_fd.hpp"

namespace conductor {

/// A pipe with both ends close-on-exec and above the standard descriptors.
struct pipe_ends {
  unique_fd read, write;
};

/// Returns 0 or an errno.
int open_pipe(pipe_ends& ends);

/// Looks a program up in `path` as a shell would after changing to `directory`.
/// A name with a slash is returned as it is.
struct found_program {
  std::string file;
  int error = 0; ///< errno if there is none
};

found_program find_program(const std::string& name, std::string_view path,
                           const std::string& directory);

struct spawn_request {
  std::string file;
  const std::vector<std::string>& argv;
  const std::vector<std::string>& env; ///< "NAME=value"
  const std::string& directory;        ///< empty = that of this program
  int in = -1, out = -1, err = -1;     ///< its standard descriptors; all > 2
};

struct spawned {
  pid_t pid = -1;
  unique_fd pidfd;           ///< readable once the process has ended
  int error = 0;             ///< errno: no process was started
  bool in_directory = false; ///< the error is about the directory
};

/// Starts processes from one thread, which must block all signals: until a
/// process executes its program, it runs in the memory of this program, where
/// no signal handler may run meanwhile. Processes are killed when that thread
/// ends.
class spawner {
public:
  spawner();
  ~spawner();
  spawner(const spawner&) = delete;
  spawner& operator=(const spawner&) = delete;

  spawned operator()(const spawn_request& request);

private:
  void* stack_ = nullptr;
  unique_fd tty_; ///< the controlling terminal, if this program has one
  std::vector<char*> argv_, envp_;
  std::uint64_t signals_ = 0; ///< that this program handles or ignores
  std::chrono::steady_clock::time_point signals_read_{};
};

} // namespace conductor
