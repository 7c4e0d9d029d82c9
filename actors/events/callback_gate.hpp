#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include <conductor/event.hpp>

namespace conductor {

/// The way from a feed to the callback of a subscriber, which the subscriber
/// may close at any time. Thread-safe.
class callback_gate {
public:
  explicit callback_gate(std::function<void(const event_record&)> each)
    : each_(std::move(each)) {}

  /// To be called when the gate is closed. Set it before the subscriber gets
  /// the gate.
  void on_close(std::function<void()> closing) {
    closing_ = std::move(closing);
  }

  /// Calls back. False once the gate is closed.
  bool call(const event_record& event) {
    if (!enter())
      return false;
    const leave_guard leave{*this};
    each_(event);
    return true;
  }

  /// When this returns the callback is not running and will not be called
  /// again. From within the callback it returns at once.
  void close() {
    if (closing_)
      closing_();
    std::unique_lock lock{mutex_};
    closed_ = true;
    if (running_ != std::this_thread::get_id())
      left_.wait(lock, [this] { return running_ == std::thread::id{}; });
  }

private:
  bool enter() {
    const std::lock_guard guard{mutex_};
    if (!closed_)
      running_ = std::this_thread::get_id();
    return !closed_;
  }

  struct leave_guard {
    callback_gate& gate;
    ~leave_guard() {
      const std::lock_guard guard{gate.mutex_};
      gate.running_ = {};
      gate.left_.notify_all();
    }
  };

  const std::function<void(const event_record&)> each_;
  std::function<void()> closing_;
  std::mutex mutex_;
  std::condition_variable left_;
  std::thread::id running_;
  bool closed_ = false;
};

} // namespace conductor
