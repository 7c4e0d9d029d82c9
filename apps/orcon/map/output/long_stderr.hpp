#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <conductor/handler.hpp>

namespace orcon {

/// The stderr of attempts that wrote more than the database keeps, from the
/// end of the attempt until it is printed. Thread-safe. Beyond `max_bytes`
/// together, the oldest texts are dropped: the database still has their ends.
class long_stderr {
public:
  static constexpr std::size_t max_bytes = 64u << 20;

  explicit long_stderr(std::size_t limit = max_bytes) : limit_(limit) {}

  void keep(conductor::attempt_key which, std::string text);
  /// The text of this attempt, if there is one; forgets it, and those of
  /// earlier attempts of the task.
  std::optional<std::string> take(conductor::attempt_key which);

private:
  struct entry {
    std::int32_t attempt = 0;
    std::uint64_t age = 0; ///< the key in `by_age_`
    std::string text;
  };
  using entries = std::map<conductor::task_key, entry>;

  std::string erase(entries::iterator which);

  const std::size_t limit_;
  std::mutex mutex_;
  entries entries_;
  std::map<std::uint64_t, conductor::task_key> by_age_;
  std::uint64_t next_age_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace orcon
