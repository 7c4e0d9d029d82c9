#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <conductor/handler.hpp>
#include <conductor/records.hpp>

#include "actors/executor/handler_slots.hpp"

namespace conductor {

/// Consecutive attempts that were granted together.
class grant {
public:
  using time_point = handler::time_point;

  task_group group; ///< `attempt` is the number of the attempts
  std::shared_ptr<const task_template> origin;
  handler_slots* slots = nullptr;
  timestamp leased_at{};
  time_point leased; ///< the same by the steady clock
  timestamp timeout{};

  grant(task_group g, std::shared_ptr<const task_template> from,
        handler_slots& s, timestamp at, time_point steady_at)
    : group(std::move(g)), origin(std::move(from)), slots(&s), leased_at(at),
      leased(steady_at), flags_(static_cast<std::size_t>(group.tasks.count)),
      unsettled_(group.tasks.count), held_(group.tasks.count) {}

  bool settled(task_key task) const { return has(task, settled_flag); }
  bool ended(task_key task) const { return has(task, ended_flag); }
  bool cancelled(task_key task) const { return has(task, cancelled_flag); }
  std::int64_t unsettled() const { return unsettled_; }
  /// Attempts that the handler has not reported.
  std::int64_t held() const { return held_; }
  /// The group, cut to a range.
  task_group part(task_range tasks) const;

private:
  friend class attempt_table;
  enum : std::uint8_t { settled_flag = 1, ended_flag = 2, cancelled_flag = 4 };

  std::uint8_t& flags(task_key task) {
    return flags_[static_cast<std::size_t>(task - group.tasks.first)];
  }
  bool has(task_key task, std::uint8_t flag) const {
    const auto i = static_cast<std::size_t>(task - group.tasks.first);
    return (flags_[i] & flag) != 0;
  }

  std::vector<std::uint8_t> flags_;
  std::int64_t unsettled_, held_;
};

/// The attempts under way. An attempt is settled once its outcome is planned,
/// and has ended once its handler has reported it; one that was given up (a
/// timeout) settles first, any other does both at once.
class attempt_table {
public:
  grant& add(grant granted);
  /// Null for attempts that are not here, or no longer.
  grant* find(attempt_key which);

  void settle(grant& g, task_key task);
  /// The handler has reported: the attempt holds no slot any more. `busy`:
  /// how long it was executed; none if it never was.
  void end(grant& g, task_key task,
           std::optional<std::chrono::microseconds> busy);
  /// Removes a grant of which nothing is left.
  void drop_if_done(grant& g);

  /// Marks attempts of tasks that were cancelled, and returns them.
  std::vector<attempt_key> cancel(task_range tasks, std::int32_t attempt);
  /// Removes attempts that their handler has given back; returns those that
  /// were not settled, in groups.
  std::vector<task_group> take_back(std::vector<attempt_key> withdrawn);
  /// The attempts that have not settled, in groups.
  std::vector<task_group> unsettled_groups() const;
  /// Parents of attempts of a handler that were leased at `moment` or before.
  std::vector<task_key> parents_before(const handler_slots& slots,
                                       timestamp moment) const;

  /// Sets when a grant is next looked at for timeouts; none = never.
  void set_timeout(grant& g, timestamp at);
  std::optional<timestamp> next_timeout() const;
  /// Grants whose timeout is not later than `now`; it is cleared.
  std::vector<grant*> timed_out(timestamp now);

  /// Calls `each(grant, task)` for the attempts that have not settled.
  template <class Each>
  void for_each_unsettled(Each each) const {
    for (const auto& [key, g] : grants_)
      for (auto task = g.group.tasks.first; task < g.group.tasks.end(); ++task)
        if (!g.settled(task))
          each(g, task);
  }

  std::int64_t unsettled() const { return unsettled_; }

private:
  /// Attempts of one number never overlap, so that a grant is found by its
  /// number and first task.
  using grant_key = std::pair<std::int32_t, task_key>;
  static grant_key key_of(const grant& g) {
    return {g.group.attempt, g.group.tasks.first};
  }

  std::map<grant_key, grant> grants_;
  std::set<std::pair<timestamp, grant_key>> timeouts_;
  std::int64_t unsettled_ = 0;
};

} // namespace conductor
