#include "actors/executor/due_queue.hpp"

namespace conductor {

namespace {

constexpr std::size_t page = 1000;

} // namespace

void due_queue::refill(const load& load_due, const find_lane& lane_of) {
  while (unseen_) {
    const auto found = load_due(*unseen_, page);
    for (const auto& due : found) {
      if (auto* owner = lane_of(due.task))
        take(due, *unseen_, *owner);
      unseen_ = due.position();
    }
    if (found.size() < page)
      unseen_.reset();
  }
  for (auto& [owner, one] : lines_)
    if (one.passed_by && one.tasks.size() <= most_held_ / 2)
      fill_up(*owner, one, load_due, lane_of);
}

void due_queue::take(const due_task& due, due_position before, lane& owner) {
  auto& one = lines_[&owner];
  if (one.passed_by && *one.passed_by < due.position())
    return; // it comes when they do
  if (one.tasks.size() >= most_held_)
    one.passed_by = before;
  else if (held_.insert(due.task.key).second)
    one.tasks.push_back(due.task);
}

void due_queue::fill_up(lane& owner, line& one, const load& load_due,
                        const find_lane& lane_of) {
  auto from = *std::exchange(one.passed_by, std::nullopt);
  for (;;) {
    const auto found = load_due(from, page);
    for (const auto& due : found) {
      if (lane_of(due.task) == &owner)
        take(due, from, owner);
      if (one.passed_by)
        return;
      from = due.position();
    }
    if (found.size() < page)
      return;
  }
}

} // namespace conductor
