#pragma once

#include <map>
#include <memory>
#include <optional>

#include <conductor/records.hpp>

namespace conductor {

/// Parents with children that nobody has leased yet, served in turn. What has
/// been offered once is not offered again, so that several claims may be under
/// way.
class claim_sources {
public:
  struct offer {
    run_key run = 0;
    task_key parent = 0;
    task_range tasks;
  };

  /// Takes note of how a parent stands.
  void hear(const fanout_record& parent);
  /// Up to `room` children of one parent, with `limit(parent)` the number that
  /// this parent may have (concurrency, handler); none if no parent has any.
  template <class Limit>
  std::optional<offer> next(std::int64_t room, Limit limit);
  bool empty() const { return parents_.empty(); }

private:
  struct entry {
    run_key run = 0;
    task_key base = 0;
    std::int64_t expanded = 0, offered = 0, total = 0;
  };
  std::map<task_key, entry> parents_;
  task_key last_ = 0; ///< that was served
};

inline void claim_sources::hear(const fanout_record& f) {
  const auto known = parents_.find(f.task);
  if (f.state != task_state::pending) {
    if (known != parents_.end())
      parents_.erase(known);
    return;
  }
  if (known == parents_.end()) {
    if (f.claimed < f.expanded)
      parents_[f.task] = {f.run, f.base, f.expanded, f.claimed, f.total};
    return;
  }
  auto& e = known->second;
  e.expanded = std::max(e.expanded, f.expanded);
  e.offered = std::max(e.offered, f.claimed);
}

template <class Limit>
std::optional<claim_sources::offer> claim_sources::next(std::int64_t room,
                                                        Limit limit) {
  // One turn round the circle, beginning after the parent served last.
  auto place = parents_.upper_bound(last_);
  for (auto left = parents_.size(); left > 0; --left) {
    if (place == parents_.end())
      place = parents_.begin();
    auto& [parent, e] = *place;
    const auto count = std::min({room, e.expanded - e.offered, limit(parent)});
    if (count > 0) {
      last_ = parent;
      const task_range tasks{e.base + e.offered, count};
      e.offered += count;
      return offer{e.run, parent, tasks};
    }
    ++place;
  }
  return std::nullopt;
}

} // namespace conductor
