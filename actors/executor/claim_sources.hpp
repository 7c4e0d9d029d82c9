#pragma once

#include <map>
#include <optional>
#include <set>

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
  bool empty() const { return open_.empty(); }

private:
  struct entry {
    run_key run = 0;
    task_key base = 0;
    std::int64_t expanded = 0, offered = 0;
  };
  void look_at(task_key parent, const entry& e);

  std::map<task_key, entry> parents_;
  std::set<task_key> open_; ///< those with children to offer
  task_key last_ = 0;       ///< that was served
};

inline void claim_sources::look_at(task_key parent, const entry& e) {
  if (e.offered < e.expanded)
    open_.insert(parent);
  else
    open_.erase(parent);
}

inline void claim_sources::hear(const fanout_record& f) {
  if (f.state != task_state::pending) {
    parents_.erase(f.task);
    open_.erase(f.task);
    return;
  }
  const auto known = parents_.find(f.task);
  if (known == parents_.end() && f.claimed == f.expanded)
    return;
  auto& e = known != parents_.end()
              ? known->second
              : parents_[f.task] = {f.run, f.base, 0, f.claimed};
  e.expanded = std::max(e.expanded, f.expanded);
  e.offered = std::max(e.offered, f.claimed);
  look_at(f.task, e);
}

template <class Limit>
std::optional<claim_sources::offer> claim_sources::next(std::int64_t room,
                                                        Limit limit) {
  // One turn round the circle, beginning after the parent served last.
  auto place = open_.upper_bound(last_);
  for (auto left = open_.size(); left > 0; --left) {
    if (place == open_.end())
      place = open_.begin();
    const auto parent = *place++;
    auto& e = parents_.at(parent);
    const auto count = std::min({room, e.expanded - e.offered, limit(parent)});
    if (count > 0) {
      last_ = parent;
      const task_range tasks{e.base + e.offered, count};
      e.offered += count;
      look_at(parent, e);
      return offer{e.run, parent, tasks};
    }
  }
  return std::nullopt;
}

} // namespace conductor
