#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

#include <conductor/fact.hpp>

namespace conductor {

/// Where threads outside the actor system wait for facts.
class run_watch {
public:
  void hear(const committed& fact) {
    const std::lock_guard guard{mutex_};
    auto ended = false;
    for (const auto& run : fact.progress)
      if (const auto waited = waited_.find(run.key);
          waited != waited_.end() && settled(run.state)) {
        waited->second.state = run.state;
        ended = true;
      }
    // Nobody is woken by commits that end nothing.
    if (ended)
      changed_.notify_all();
  }

  void hear(const storage_state& news) {
    const std::lock_guard guard{mutex_};
    storage_ = news;
    changed_.notify_all();
  }

  storage_state storage() const {
    const std::lock_guard guard{mutex_};
    return storage_;
  }

  /// Call before looking whether the run is settled, so that nothing is
  /// missed in between.
  void expect(run_key run) {
    const std::lock_guard guard{mutex_};
    ++waited_[run].waiters;
  }

  /// Waits for a run that is expected; none when the time is over or the
  /// storage is lost.
  std::optional<run_state> wait(run_key run, milliseconds timeout) {
    std::unique_lock lock{mutex_};
    const auto done = [&] { return storage_.lost || waited_[run].state; };
    if (timeout == milliseconds::max())
      changed_.wait(lock, done);
    else
      changed_.wait_for(lock, timeout, done);
    return waited_[run].state;
  }

  void forget(run_key run) {
    const std::lock_guard guard{mutex_};
    if (--waited_[run].waiters == 0)
      waited_.erase(run);
  }

private:
  struct entry {
    int waiters = 0;
    std::optional<run_state> state;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<run_key, entry> waited_;
  storage_state storage_;
};

} // namespace conductor
