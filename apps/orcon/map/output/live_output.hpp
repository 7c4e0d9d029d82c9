#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/handler.hpp>

namespace orcon {

/// The stdout of commands that run, for --line-buffer: gathers whole lines
/// until they are printed. Thread-safe.
class live_output {
public:
  struct lines {
    conductor::task_key task;
    std::string text; ///< ends with a newline
  };

  /// A piece of what an attempt writes. What an earlier attempt of the task
  /// has left of a line becomes one.
  void add(conductor::attempt_key which, std::string_view piece);
  /// The lines since the last call, in the order in which they came.
  std::vector<lines> take();
  /// The attempt has ended, and the rest of its last line is among the next
  /// lines. False if it did not run in this program.
  bool end(conductor::attempt_key which);

private:
  struct unfinished {
    std::int32_t attempt = 0;
    std::string line;
  };

  void emit(conductor::task_key task, std::string text);
  void end_line(conductor::task_key task, unfinished& of);

  std::mutex mutex_;
  std::vector<lines> ready_;
  std::map<conductor::task_key, unfinished> unfinished_;
};

} // namespace orcon
