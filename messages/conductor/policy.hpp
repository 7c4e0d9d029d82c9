#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <conductor/inspect.hpp>
#include <conductor/time.hpp>

namespace conductor {

enum class backoff : std::uint8_t { fixed, linear, exponential };
enum class jitter : std::uint8_t { none, full, equal };

/// When a failed attempt is tried again (SEMANTICS: retry).
struct retry_policy {
  std::int32_t max_retries = 3;
  conductor::backoff backoff = conductor::backoff::exponential;
  milliseconds delay{1000};
  double factor = 2;
  milliseconds max_delay{5 * 60 * 1000};
  conductor::jitter jitter = conductor::jitter::full;
  std::vector<std::string> non_retryable; ///< error types

  CONDUCTOR_MESSAGE(retry_policy, x.max_retries, x.backoff, x.delay, x.factor,
                    x.max_delay, x.jitter, x.non_retryable)
};

/// A number of tasks, or a percentage of them.
struct count_or_percent {
  std::int64_t count = 0;
  double percent = 0; ///< 0…100; used when > 0

  /// The number of tasks out of `total` that this allows.
  std::int64_t of(std::int64_t total) const {
    return percent > 0 ? static_cast<std::int64_t>(
             static_cast<double>(total) * percent / 100.0 + 1e-9)
                       : count;
  }
  CONDUCTOR_MESSAGE(count_or_percent, x.count, x.percent)
};

const char* to_string(backoff b);
const char* to_string(jitter j);

} // namespace conductor
