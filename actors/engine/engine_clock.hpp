#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

#include <conductor/time.hpp>

namespace conductor {

/// The time that an engine works with: the wall clock, but it never runs back.
/// Where the wall clock is set back, this one goes on from where it was, at the
/// pace of the steady clock, until the other has caught up; or a retry that
/// waits for its second would wait for a year. Set forward, it follows at
/// once. Thread-safe.
class engine_clock {
public:
  using steady = std::chrono::steady_clock;

  /// It begins no earlier than `at_least`.
  explicit engine_clock(timestamp at_least = no_time,
                        timestamp wall = system_now(),
                        steady::time_point now = steady::now())
    : base_(std::max(at_least, wall)), since_(now) {}

  timestamp now() { return at(system_now(), steady::now()); }

  /// The time when the two clocks show this.
  timestamp at(timestamp wall, steady::time_point now) {
    const std::lock_guard guard{lock_};
    const auto gone = std::max(steady::duration::zero(), now - since_);
    const auto own = base_ + std::chrono::duration_cast<milliseconds>(gone);
    if (wall <= own)
      return own;
    base_ = wall;
    since_ = std::max(now, since_);
    return wall;
  }

private:
  std::mutex lock_;
  timestamp base_;
  steady::time_point since_;
};

} // namespace conductor
