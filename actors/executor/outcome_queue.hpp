#pragma once

#include <mutex>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include <conductor/contracts.hpp>
#include <conductor/handler.hpp>

namespace conductor {

/// Receives outcomes from handlers, on any thread, until the executor takes
/// them. The first outcome wakes the executor, and again the one that makes as
/// many as it asked for.
class outcome_queue final : public outcome_sink {
public:
  struct entry {
    attempt_key which;
    outcome result;
    execution_time ran;
    /// Of the executor, which gave the attempt up; the handler still reports.
    bool timed_out = false;
  };

  /// Holds no reference: handlers may outlive the executor.
  void wake(const executor_actor& owner) {
    owner_ = caf::actor_cast<caf::weak_actor_ptr>(owner);
  }

  void report(attempt_key which, outcome result, execution_time ran) override {
    add({which, std::move(result), ran});
  }

  void add(entry e) {
    {
      const std::lock_guard guard{mutex_};
      entries_.push_back(std::move(e));
      const auto n = entries_.size();
      if (n != 1 && n != enough_)
        return;
    }
    if (auto owner = owner_.lock())
      send_anonymously(caf::actor_cast<executor_actor>(owner),
                       outcomes_ready{});
  }

  /// All outcomes, or none if there are fewer than `enough`; the owner is then
  /// woken once there are.
  std::vector<entry> take(std::size_t enough = 1) {
    const std::lock_guard guard{mutex_};
    enough_ = enough;
    return entries_.size() < enough ? std::vector<entry>{}
                                    : std::exchange(entries_, {});
  }

  bool empty() const {
    const std::lock_guard guard{mutex_};
    return entries_.empty();
  }

private:
  mutable std::mutex mutex_;
  std::vector<entry> entries_;
  std::size_t enough_ = 1;
  caf::weak_actor_ptr owner_;
};

} // namespace conductor
