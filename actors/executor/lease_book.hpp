#pragma once

#include <map>
#include <utility>
#include <vector>

#include <conductor/records.hpp>

namespace conductor {

/// The leases that are ours, by their first task as in the store: how many
/// attempts each still holds, from the moment a claim is planned until the
/// commit of its release. Until then nobody may take it for a lost one, and its
/// row must stay: the retry of a lease's first task shares the row.
class lease_book {
public:
  /// A claim is planned, or a part of one turned out to have a lease of its
  /// own.
  void take(task_key first, std::int64_t attempts) {
    entries_[first].attempts += attempts;
  }

  /// Attempts have ended, or were refused.
  void settle(task_key first, std::int64_t attempts) {
    if (auto& e = entries_.at(first); (e.attempts -= attempts) == 0)
      ended_.push_back(first);
  }

  /// Leases that hold nothing any more, to be released by the change set that
  /// is planned; `released` must hear of its commit.
  std::vector<task_key> release_ended() {
    std::vector<task_key> firsts;
    for (auto first : std::exchange(ended_, {}))
      if (auto& e = entries_.at(first); e.attempts == 0 && !e.releasing) {
        e.releasing = true;
        firsts.push_back(first);
      }
    return firsts;
  }

  void released(const std::vector<task_key>& firsts) {
    for (auto first : firsts) {
      const auto e = entries_.find(first);
      e->second.releasing = false;
      if (e->second.attempts == 0)
        entries_.erase(e);
    }
  }

  bool holds(task_key first) const { return entries_.count(first) != 0; }

  /// Calls `each(first)` for the leases with attempts under way.
  template <class Each>
  void for_each_held(Each each) const {
    for (const auto& [first, e] : entries_)
      if (e.attempts > 0)
        each(first);
  }

private:
  struct entry {
    std::int64_t attempts = 0;
    bool releasing = false;
  };
  std::map<task_key, entry> entries_;
  std::vector<task_key> ended_;
};

} // namespace conductor
