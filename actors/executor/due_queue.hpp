#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include <conductor/records.hpp>

namespace conductor {

class lane;

/// Tasks that are due, by the lane that executes them, soonest first. Of each
/// lane a bounded number is held, and none of handlers that are not here:
/// neither hides the others. What was passed by is loaded when there is room.
class due_queue {
public:
  /// The next due tasks from behind a position, fewer than the limit at the
  /// end.
  using load
    = std::function<std::vector<due_task>(due_position after, std::size_t)>;
  /// Who executes a task; null if nobody here does.
  using find_lane = std::function<lane*(const task_brief&)>;

  due_queue() = default;
  explicit due_queue(std::size_t most_held) : most_held_(most_held) {}

  /// Something may have fallen due that comes behind `after`.
  void look_from(due_position after) {
    unseen_ = unseen_ ? std::min(*unseen_, after) : after;
  }
  /// Takes what has fallen due since, as far as there is room.
  void refill(const load& load_due, const find_lane& lane_of);

  /// Calls `claim(task)` for tasks of each lane in turn as long as
  /// `may_claim(lane)`; those that it refuses stay where they are.
  template <class May, class Claim>
  void claim_each(May may_claim, Claim claim);

  /// A claim has been answered: its task is in the queue no more.
  void forget(task_key task) { held_.erase(task); }
  bool empty() const { return held_.empty(); }

private:
  struct line {
    std::deque<task_brief> tasks;
    /// Behind this position are tasks that there was no room for.
    std::optional<due_position> passed_by;
  };

  void take(const due_task& due, due_position before, lane& owner);
  void fill_up(lane& owner, line& one, const load& load_due,
               const find_lane& lane_of);

  std::size_t most_held_ = 1000; ///< a lane
  std::optional<due_position> unseen_;
  std::map<lane*, line> lines_;
  std::set<task_key> held_; ///< in a line, or their claim is under way
};

template <class May, class Claim>
void due_queue::claim_each(May may_claim, Claim claim) {
  for (auto& [owner, one] : lines_) {
    std::deque<task_brief> kept;
    for (; !one.tasks.empty() && may_claim(*owner); one.tasks.pop_front())
      if (!claim(one.tasks.front(), *owner))
        kept.push_back(one.tasks.front());
    one.tasks.insert(one.tasks.begin(), kept.begin(), kept.end());
  }
}

} // namespace conductor
