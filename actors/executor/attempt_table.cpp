#include "actors/executor/attempt_table.hpp"

#include <algorithm>

namespace conductor {

namespace {

/// Appends a task of a grant to groups of consecutive tasks.
void append(std::vector<task_group>& groups, const grant& g, task_key task) {
  if (!groups.empty()) {
    auto& last = groups.back();
    const auto& o = g.group;
    if (last.tasks.end() == task && last.run == o.run && last.parent == o.parent
        && last.attempt == o.attempt && last.retry_count == o.retry_count
        && last.lost_count == o.lost_count) {
      ++last.tasks.count;
      return;
    }
  }
  groups.push_back(g.part({task, 1}));
}

} // namespace

task_group grant::part(task_range tasks) const {
  auto cut = group;
  cut.tasks = tasks;
  return cut;
}

grant& attempt_table::add(grant granted) {
  const auto key = key_of(granted);
  unsettled_ += granted.unsettled();
  granted.slots->begin(granted.group.parent, granted.held());
  return grants_.insert_or_assign(key, std::move(granted)).first->second;
}

grant* attempt_table::find(attempt_key which) {
  auto place = grants_.upper_bound({which.number, which.task});
  if (place == grants_.begin())
    return nullptr;
  auto& g = (--place)->second;
  return g.group.attempt == which.number && g.group.tasks.contains(which.task)
           ? &g
           : nullptr;
}

void attempt_table::settle(grant& g, task_key task) {
  g.flags(task) |= grant::settled_flag;
  --g.unsettled_;
  --unsettled_;
}

void attempt_table::end(grant& g, task_key task,
                        std::optional<std::chrono::microseconds> busy) {
  g.flags(task) |= grant::ended_flag;
  --g.held_;
  if (busy)
    g.slots->end(g.group.parent, *busy);
  else
    g.slots->release(g.group.parent, 1);
}

void attempt_table::drop_if_done(grant& g) {
  if (g.unsettled() > 0 || g.held() > 0)
    return;
  set_timeout(g, no_time);
  grants_.erase(key_of(g));
}

std::vector<attempt_key> attempt_table::cancel(task_range tasks,
                                               std::int32_t attempt) {
  std::vector<attempt_key> found;
  auto place = grants_.upper_bound({attempt, tasks.first});
  if (place != grants_.begin())
    --place;
  for (;
       place != grants_.end() && place->first < grant_key{attempt, tasks.end()};
       ++place) {
    auto& g = place->second;
    if (g.group.attempt != attempt)
      continue;
    const auto end = std::min(tasks.end(), g.group.tasks.end());
    auto task = std::max(tasks.first, g.group.tasks.first);
    for (; task < end; ++task)
      if (!g.settled(task)) {
        g.flags(task) |= grant::cancelled_flag;
        found.push_back({task, attempt});
      }
  }
  return found;
}

std::vector<task_group>
attempt_table::take_back(std::vector<attempt_key> withdrawn) {
  std::sort(withdrawn.begin(), withdrawn.end(),
            [](const auto& x, const auto& y) {
              return std::pair{x.number, x.task} < std::pair{y.number, y.task};
            });
  std::vector<task_group> groups;
  for (const auto& which : withdrawn) {
    auto* g = find(which);
    if (!g || g->ended(which.task))
      continue;
    // A cancelled task is already in its final state.
    if (!g->settled(which.task)) {
      if (!g->cancelled(which.task))
        append(groups, *g, which.task);
      settle(*g, which.task);
    }
    end(*g, which.task, std::nullopt);
    drop_if_done(*g);
  }
  return groups;
}

std::vector<task_group> attempt_table::unsettled_groups() const {
  std::vector<task_group> groups;
  for_each_unsettled([&](const grant& g, task_key task) {
    if (!g.cancelled(task))
      append(groups, g, task);
  });
  return groups;
}

std::vector<task_key> attempt_table::parents_before(const handler_slots& slots,
                                                    timestamp moment) const {
  std::vector<task_key> parents;
  for (const auto& [key, g] : grants_)
    if (g.slots == &slots && g.held() > 0 && g.leased_at <= moment)
      parents.push_back(g.group.parent);
  return parents;
}

void attempt_table::set_timeout(grant& g, timestamp at) {
  if (g.timeout != no_time)
    timeouts_.erase({g.timeout, key_of(g)});
  g.timeout = at;
  if (at != no_time)
    timeouts_.emplace(at, key_of(g));
}

std::optional<timestamp> attempt_table::next_timeout() const {
  if (timeouts_.empty())
    return std::nullopt;
  return timeouts_.begin()->first;
}

std::vector<grant*> attempt_table::timed_out(timestamp now) {
  std::vector<grant*> found;
  while (!timeouts_.empty() && timeouts_.begin()->first <= now) {
    found.push_back(&grants_.at(timeouts_.begin()->second));
    set_timeout(*found.back(), no_time);
  }
  return found;
}

} // namespace conductor
