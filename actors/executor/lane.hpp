#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>

#include <conductor/handler.hpp>
#include <conductor/metrics.hpp>

namespace conductor {

/// One handler as the executor sees it: how many attempts it may have. Slow
/// work is leased up to the slots; for work of microseconds, as much is leased
/// ahead as the slots will get through in `ahead_time`.
class lane {
public:
  lane(std::shared_ptr<handler> work, unsigned slots, std::int64_t max_ahead,
       attempt_metrics& metrics)
    : work_(std::move(work)), traits_(work_->traits()), slots_(slots),
      max_ahead_(max_ahead), metrics_(metrics) {}

  handler& work() { return *work_; }
  const handler_traits& traits() const { return traits_; }
  attempt_metrics& metrics() const { return metrics_; }

  std::int64_t room() const { return window() - leased_; }
  void lease(std::int64_t n) { leased_ += n; }
  void done(std::chrono::microseconds busy) {
    --leased_;
    const auto us = static_cast<double>(busy.count());
    average_us_ = average_us_ < 0 ? us : average_us_ * 0.9 + us * 0.1;
  }
  void give_back(std::int64_t n) { leased_ -= n; }

private:
  static constexpr double ahead_time_us = 40'000;

  std::int64_t window() const {
    const std::int64_t slots{slots_};
    if (!traits_.queues || average_us_ < 0)
      return slots;
    const auto ahead = ahead_time_us * slots_ / std::max(average_us_, 1.0);
    return slots + std::min(max_ahead_, static_cast<std::int64_t>(ahead));
  }

  std::shared_ptr<handler> work_;
  handler_traits traits_;
  unsigned slots_;
  std::int64_t max_ahead_;
  attempt_metrics& metrics_;
  std::int64_t leased_ = 0;
  double average_us_ = -1; ///< of recent attempts; negative = none yet
};

} // namespace conductor
