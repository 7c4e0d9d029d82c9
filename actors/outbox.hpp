#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include <conductor/contracts.hpp>
#include <conductor/handler.hpp>

namespace conductor {

/// Where handlers leave outcomes, from any thread. The executor is woken once
/// for all that has come in since it last looked.
class outbox final : public outcome_sink {
public:
  struct entry {
    task_key task = 0;
    std::int32_t attempt = 0;
    outcome result;
    std::chrono::microseconds busy{0};
  };

  /// Holds no reference: handlers may outlive the executor.
  void wake(const executor_actor& owner) {
    owner_ = caf::actor_cast<caf::weak_actor_ptr>(owner);
  }

  void report(task_key task, std::int32_t attempt, outcome result,
              std::chrono::microseconds busy) override {
    {
      const std::lock_guard guard{mutex_};
      entries_.push_back({task, attempt, std::move(result), busy});
      if (std::exchange(woken_, true))
        return;
    }
    if (auto owner = owner_.lock())
      caf::anon_send(caf::actor_cast<executor_actor>(owner), outcomes_ready{});
  }

  std::vector<entry> take() {
    const std::lock_guard guard{mutex_};
    woken_ = false;
    return std::exchange(entries_, {});
  }

private:
  std::mutex mutex_;
  std::vector<entry> entries_;
  bool woken_ = false;
  caf::weak_actor_ptr owner_;
};

} // namespace conductor
