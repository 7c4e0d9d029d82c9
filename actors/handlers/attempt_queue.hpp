#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <conductor/handler.hpp>

namespace conductor {

/// The attempts that a handler was given and has not reported: some have begun
/// and hold a slot, the others wait in the order of their start. Not
/// thread-safe; the pointers stay valid until their entry is removed.
template <class Job>
class attempt_queue {
public:
  using time_point = handler::time_point;

  struct entry {
    attempt_key key;
    Job job;
    time_point started;              ///< when the handler was given it
    std::optional<time_point> began; ///< none while it waits
    typename std::list<entry*>::iterator place; ///< valid while it waits
  };

  /// 0 = no bound.
  explicit attempt_queue(std::size_t slots) : slots_(slots) {}

  /// Adds an attempt that waits.
  void add(attempt_key key, Job job) {
    auto& added = entries_[key];
    added.key = key;
    added.job = std::move(job);
    added.started = execution_time::clock::now();
    added.place = waiting_.insert(waiting_.end(), &added);
  }

  /// The next attempt that may begin; null if none waits or no slot is free.
  entry* next() const {
    const bool full = slots_ > 0 && running() >= slots_;
    return full || waiting_.empty() ? nullptr : waiting_.front();
  }

  /// An attempt that waited takes a slot.
  void begin(entry& e, time_point now = execution_time::clock::now()) {
    e.began = now;
    waiting_.erase(e.place);
  }

  /// Forgets an attempt, whether it waits or has begun; its slot is free again.
  std::optional<entry> remove(attempt_key key) {
    auto node = entries_.extract(key);
    if (node.empty())
      return std::nullopt;
    auto& removed = node.mapped();
    if (!removed.began)
      waiting_.erase(removed.place);
    return std::move(removed);
  }

  /// Forgets the waiting attempts that were started before the given time.
  std::vector<attempt_key> withdraw(time_point started_before) {
    std::vector<attempt_key> keys;
    while (!waiting_.empty() && waiting_.front()->started < started_before) {
      keys.push_back(waiting_.front()->key);
      waiting_.pop_front();
      entries_.erase(keys.back());
    }
    return keys;
  }

  entry* find(attempt_key key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
  }

  std::optional<time_point> began_at(attempt_key key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? std::nullopt : found->second.began;
  }

  /// Calls `each(job)` for all attempts.
  template <class Each>
  void for_each(Each each) {
    for (auto& [key, e] : entries_)
      each(e.job);
  }

  std::size_t waiting() const { return waiting_.size(); }
  std::size_t running() const { return entries_.size() - waiting_.size(); }

private:
  const std::size_t slots_;
  std::map<attempt_key, entry> entries_;
  std::list<entry*> waiting_;
};

} // namespace conductor
