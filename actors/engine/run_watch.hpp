#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>

#include <conductor/fact.hpp>

namespace conductor {

/// Where threads outside the actor system wait for runs to end. Thread-safe.
class run_watch {
public:
  /// A run that a thread waits for. Make it before looking whether the run is
  /// settled, so that nothing is missed in between. The watch must outlive it.
  class expectation {
  public:
    expectation(run_watch& watch, run_key run) : watch_(watch), run_(run) {
      const std::lock_guard guard{watch_.mutex_};
      ++watch_.expected_[run_].waiters;
    }
    ~expectation() {
      const std::lock_guard guard{watch_.mutex_};
      if (--watch_.expected_[run_].waiters == 0)
        watch_.expected_.erase(run_);
    }
    expectation(const expectation&) = delete;
    expectation& operator=(const expectation&) = delete;

    /// The state in which the run ended; none when the time is over or the
    /// storage is lost.
    std::optional<run_state> wait(milliseconds timeout) const {
      return watch_.wait(run_, timeout);
    }

  private:
    run_watch& watch_;
    run_key run_;
  };

  [[nodiscard]] expectation expect(run_key run) { return {*this, run}; }

  void hear(const committed& fact) {
    const std::lock_guard guard{mutex_};
    auto ended = false;
    for (const auto& run : fact.progress)
      if (const auto found = expected_.find(run.key);
          found != expected_.end() && settled(run.state)) {
        found->second.state = run.state;
        ended = true;
      }
    // Commits that end no expected run wake nobody.
    if (ended)
      changed_.notify_all();
  }

  void hear(const storage_state& state) {
    const std::lock_guard guard{mutex_};
    // The first reason for a lost storage is the one that matters.
    if (!storage_.lost)
      storage_ = state;
    changed_.notify_all();
  }

  storage_state storage() const {
    const std::lock_guard guard{mutex_};
    return storage_;
  }

  std::size_t expected_runs() const {
    const std::lock_guard guard{mutex_};
    return expected_.size();
  }

private:
  struct entry {
    int waiters = 0;
    std::optional<run_state> state;
  };

  std::optional<run_state> wait(run_key run, milliseconds timeout) {
    std::unique_lock lock{mutex_};
    const auto& waited = expected_.at(run);
    const auto done = [&] { return storage_.lost || waited.state; };
    if (timeout == milliseconds::max())
      changed_.wait(lock, done);
    else
      changed_.wait_for(lock, timeout, done);
    return waited.state;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<run_key, entry> expected_;
  storage_state storage_;
};

} // namespace conductor
