#include "actors/intake/dependents.hpp"

#include <algorithm>
#include <deque>

#include <conductor/lifecycle.hpp>

namespace conductor {

namespace {

constexpr std::size_t page = 1000;

} // namespace

dependents::dependents(store_reader& reader, run_key run) {
  for (const auto& d : reader.dependencies(run)) {
    of_task_[d.dependent].push_back(d);
    waiting_for_[d.task].push_back(d.dependent);
  }
  if (of_task_.empty())
    return;
  for (task_key after = 0;;) {
    const auto tasks = reader.list_tasks(
      {.run = run, .top_level = true, .texts = false}, after, page);
    for (const auto& task : tasks) {
      states_[task.key] = task.state;
      names_[task.key] = task.name;
      if (task.skipped)
        skipped_.insert(task.key);
    }
    if (tasks.size() < page)
      return;
    after = tasks.back().key;
  }
}

std::string dependents::name_of(task_key task) const {
  const auto known = names_.find(task);
  return known == names_.end() ? std::string{} : known->second;
}

bool dependents::comes_along(task_key task,
                             const std::set<task_key>& open) const {
  return std::ranges::all_of(of_task_.at(task), [&](const dependency& d) {
    const auto state = states_.at(d.task);
    return open.contains(d.task) || !settled(state) || meets(d.when, state);
  });
}

std::set<task_key>
dependents::reopened_with(const std::set<task_key>& chosen) const {
  auto open = chosen;
  std::set<task_key> along;
  std::deque<task_key> next{chosen.begin(), chosen.end()};
  for (; !next.empty(); next.pop_front()) {
    const auto waiting = waiting_for_.find(next.front());
    if (waiting == waiting_for_.end())
      continue;
    for (const auto task : waiting->second)
      if (skipped(task) && !open.contains(task) && comes_along(task, open)) {
        open.insert(task);
        along.insert(task);
        next.push_back(task);
      }
  }
  return along;
}

std::set<task_key> dependents::causes_of(task_key task) const {
  std::set<task_key> causes;
  std::deque<task_key> next{task};
  std::set<task_key> seen{task};
  for (; !next.empty(); next.pop_front())
    for (const auto& d : of_task_.at(next.front())) {
      if (meets(d.when, states_.at(d.task)) || !seen.insert(d.task).second)
        continue;
      if (skipped(d.task))
        next.push_back(d.task);
      else
        causes.insert(d.task);
    }
  return causes;
}

} // namespace conductor
