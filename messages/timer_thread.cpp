#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include <conductor/time.hpp>

namespace conductor::detail {

namespace {

/// One thread that calls functions when their time has come.
class timer_thread {
public:
  using clock = std::chrono::steady_clock;

  timer_thread() {
    std::thread{[this] { run(); }}.detach();
  }

  void add(milliseconds delay, std::function<void()> call) {
    const std::lock_guard guard{mutex_};
    calls_.emplace(clock::now() + delay, std::move(call));
    changed_.notify_one();
  }

private:
  void run() {
    std::unique_lock lock{mutex_};
    for (;;) {
      if (calls_.empty()) {
        changed_.wait(lock);
        continue;
      }
      const auto next = calls_.begin()->first;
      if (next > clock::now()) {
        changed_.wait_until(lock, next);
        continue;
      }
      const auto due = calls_.extract(calls_.begin());
      lock.unlock();
      due.mapped()();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<clock::time_point, std::function<void()>> calls_;
};

} // namespace

void call_later(milliseconds delay, std::function<void()> call) {
  // Never destroyed: its thread ends with the process.
  static auto* const timer = new timer_thread;
  timer->add(delay, std::move(call));
}

} // namespace conductor::detail
