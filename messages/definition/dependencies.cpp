#include <algorithm>
#include <unordered_map>
#include <utility>

#include <conductor/definition.hpp>

#include "messages/definition/definition_checks.hpp"
#include "messages/definition/nearest_name.hpp"

namespace conductor {

namespace {

using namespace detail;

using places = std::vector<std::int32_t>;

/// Finds tasks by name. Of tasks that share a name the first counts.
class name_index {
public:
  explicit name_index(const std::vector<task_spec>& tasks) {
    by_name_.reserve(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i)
      by_name_.emplace(tasks[i].name, static_cast<std::int32_t>(i));
  }

  /// -1 if there is no such task.
  std::int32_t find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? -1 : found->second;
  }

private:
  std::unordered_map<std::string_view, std::int32_t> by_name_;
};

/// The place of each name in each `after`, -1 where there is no such task.
std::vector<places> look_up(const std::vector<task_spec>& tasks,
                            const name_index& index) {
  std::vector<places> all(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    all[i].reserve(tasks[i].after.size());
    for (const auto& name : tasks[i].after)
      all[i].push_back(index.find(name));
  }
  return all;
}

// -- names --------------------------------------------------------------------

/// Says what is wrong with names that cannot be waited for.
class name_critic {
public:
  explicit name_critic(const std::vector<task_spec>& tasks) : tasks_(tasks) {}

  std::string trouble(const task_spec& task, const std::string& name) {
    if (name == task.name)
      return shown(name) + " is the task itself";
    if (name.find('#') != std::string::npos)
      return shown(name) + " is a child; only top-level tasks can be named";
    auto message = "unknown task " + shown(name);
    if (const auto nearest = nearest_to(name);
        !nearest.empty() && nearest != task.name)
      message += "; did you mean " + shown(std::string{nearest}) + "?";
    return message;
  }

private:
  std::string_view nearest_to(std::string_view name) {
    if (known_.empty())
      for (const auto& task : tasks_)
        known_.push_back(task.name);
    return nearest_name(name, known_);
  }

  const std::vector<task_spec>& tasks_;
  std::vector<std::string_view> known_;
};

// -- cycles -------------------------------------------------------------------

/// Follows `after` from each task, depth first; without recursion, for a chain
/// may be as long as the run.
class cycle_finder {
public:
  explicit cycle_finder(const std::vector<places>& after)
    : after_(after), depth_(after.size(), not_seen),
      on_cycle_(after.size(), false) {}

  /// Cycles that share no closing step, at most `limit`; at least one of each
  /// group of tasks that wait for each other. Ignores -1 and tasks that name
  /// themselves.
  std::vector<places> find(std::size_t limit) {
    for (std::size_t i = 0; i < after_.size(); ++i)
      if (depth_[i] == not_seen)
        search(static_cast<std::int32_t>(i), limit);
    return std::move(cycles_);
  }

private:
  static constexpr std::int32_t not_seen = -1, left = -2;

  struct step {
    std::int32_t task;
    std::size_t next = 0; ///< of its dependencies
  };

  std::int32_t& depth(std::int32_t task) {
    return depth_[static_cast<std::size_t>(task)];
  }

  void enter(std::int32_t task) {
    depth(task) = static_cast<std::int32_t>(path_.size());
    path_.push_back({task});
  }

  void search(std::int32_t root, std::size_t limit) {
    enter(root);
    while (!path_.empty()) {
      auto& [task, next] = path_.back();
      const auto& named = after_[static_cast<std::size_t>(task)];
      if (next == named.size()) {
        depth(task) = left;
        path_.pop_back();
        continue;
      }
      const auto other = named[next++];
      if (other < 0)
        continue;
      if (depth(other) == not_seen)
        enter(other);
      else if (depth(other) >= 0 && other != task && cycles_.size() < limit)
        close(other, task);
    }
  }

  /// The path from `first` to `last` is a cycle.
  void close(std::int32_t first, std::int32_t last) {
    if (on_cycle_[static_cast<std::size_t>(first)]
        || on_cycle_[static_cast<std::size_t>(last)])
      return;
    places cycle;
    for (auto i = static_cast<std::size_t>(depth(first)); i < path_.size();
         ++i) {
      cycle.push_back(path_[i].task);
      on_cycle_[static_cast<std::size_t>(path_[i].task)] = true;
    }
    std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()),
                cycle.end());
    cycles_.push_back(std::move(cycle));
  }

  const std::vector<places>& after_;
  places depth_; ///< on the path; or `not_seen` or `left`
  std::vector<bool> on_cycle_;
  std::vector<step> path_;
  std::vector<places> cycles_;
};

/// "a -> b -> c -> a".
std::string spelt_out(const places& cycle,
                      const std::vector<task_spec>& tasks) {
  constexpr std::size_t most_names = 100;
  std::string text;
  const auto add = [&](std::size_t i) {
    const auto quoted = dump(tasks[static_cast<std::size_t>(cycle[i])].name);
    text += quoted.substr(1, quoted.size() - 2);
  };
  for (std::size_t i = 0; i < cycle.size() && i < most_names; ++i) {
    add(i);
    text += " -> ";
  }
  if (cycle.size() > most_names)
    text += "(" + std::to_string(cycle.size() - most_names) + " more) -> ";
  add(0);
  return text;
}

} // namespace

namespace detail {

void check_dependencies(const std::vector<task_spec>& tasks,
                        const std::function<std::string(std::size_t)>& path_of,
                        error_list& errors) {
  const auto graph = look_up(tasks, name_index{tasks});
  name_critic names{tasks};
  for (std::size_t i = 0; i < tasks.size() && !errors.full(); ++i)
    for (std::size_t j = 0; j < graph[i].size(); ++j)
      if (graph[i][j] < 0 || graph[i][j] == static_cast<std::int32_t>(i)) {
        const auto after = path_of(i) + "/after";
        errors.add(graph[i].size() == 1 ? after : pointer(after, j),
                   names.trouble(tasks[i], tasks[i].after[j]));
      }
  for (const auto& cycle : cycle_finder{graph}.find(error_list::most))
    errors.add(path_of(static_cast<std::size_t>(cycle[0])) + "/after",
               "a cycle: " + spelt_out(cycle, tasks));
}

} // namespace detail

std::vector<std::vector<std::int32_t>>
dependency_places(const std::vector<task_spec>& tasks) {
  auto all = look_up(tasks, name_index{tasks});
  places named_by(tasks.size(), -1); // the last task that named each
  std::int32_t self = 0;
  for (auto& named : all) {
    std::erase_if(named, [&](std::int32_t at) {
      return at < 0
             || std::exchange(named_by[static_cast<std::size_t>(at)], self)
                  == self;
    });
    ++self;
  }
  return all;
}

} // namespace conductor
