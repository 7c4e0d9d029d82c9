#include <algorithm>

#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>
#include <conductor/stored_json.hpp>

#include "store/glob.hpp"
#include "store/memory/model.hpp"

/// Queries for runs, tasks and groups, answered by looking at every row.
namespace conductor::memory {

namespace {

using task_entry = std::map<task_key, task_row>::value_type;

template <class State>
bool wanted(const std::vector<State>& states, State state) {
  return states.empty() || std::ranges::find(states, state) != states.end();
}

bool matches(const std::string& pattern, const std::string& name) {
  return pattern.empty() || glob_match(pattern, name);
}

bool has_label(const run_record& run, const run_query& query) {
  if (query.label.empty())
    return true;
  const auto meta = parse_stored(run.meta);
  const auto found = meta.find(query.label);
  if (found == meta.end())
    return false;
  return (found->is_string() ? found->get<std::string>() : found->dump())
         == query.label_value;
}

bool is_wanted(const run_record& run, const run_query& query) {
  return (!query.key || run.key == query.key)
         && (query.idempotency_key.empty()
             || run.idempotency_key == query.idempotency_key)
         && (!query.open || !settled(run.state))
         && wanted(query.states, run.state) && matches(query.name, run.name)
         && (query.deadline_by == no_time
             || (run.deadline != no_time && run.deadline <= query.deadline_by
                 && run.fence == fence::none))
         && run.created_at >= query.since && has_label(run, query);
}

bool is_wanted(const model& m, const task_entry& task,
               const task_query& query) {
  const auto& [key, row] = task;
  const auto& filter = query.filter;
  return (!filter.run || row.run == filter.run)
         && (!filter.parent || row.parent == filter.parent)
         && (!filter.top_level || !row.parent)
         && wanted(filter.states, row.now.state)
         && matches(filter.name, task_name(m, key, row))
         && (filter.error.empty() || type_of_error(row.error) == filter.error)
         && (query.keys.count == 0 || query.keys.contains(key))
         && (query.started_before == no_time
             || (row.now.attempt > 0
                 && row.now.started_at < query.started_before))
         && (!query.with_error || !row.error.empty());
}

/// Whether an order lists a task. How long a cancelled task would have taken is
/// not known.
bool is_listed(const task_row& row, task_order order) {
  const auto state = row.now.state;
  if (order == task_order::oldest_first)
    return row.leaf && state == task_state::running;
  if (order == task_order::slowest_first)
    return row.leaf && row.now.attempt > 0
           && (state == task_state::succeeded || state == task_state::failed);
  return true;
}

void sort(std::vector<const task_entry*>& tasks, task_order order) {
  const auto duration = [](const auto* task) {
    return task->second.now.updated_at - task->second.now.started_at;
  };
  if (order == task_order::oldest_first)
    std::ranges::stable_sort(
      tasks, {}, [](const auto* task) { return task->second.now.started_at; });
  else if (order == task_order::slowest_first)
    std::ranges::stable_sort(tasks, std::greater{}, duration);
}

} // namespace

std::vector<run_record> find_runs(const model& m, const run_query& query) {
  std::vector<run_record> out;
  for (const auto& [key, run] : m.runs)
    if (is_wanted(run, query)
        && (query.newest_first ? !query.before || key < query.before
                               : key > query.after))
      out.push_back(run);
  if (query.newest_first)
    std::ranges::reverse(out);
  out.resize(std::min(out.size(), query.limit));
  return out;
}

std::vector<task_record> find_tasks(const model& m, const task_query& query) {
  std::vector<const task_entry*> found;
  const auto by_key = query.order == task_order::by_key;
  for (const auto& task : m.tasks)
    if ((!by_key || task.first > query.after)
        && is_listed(task.second, query.order) && is_wanted(m, task, query))
      found.push_back(&task);
  sort(found, query.order);
  found.resize(std::min(found.size(), query.limit));
  std::vector<task_record> out;
  for (const auto* task : found) {
    auto& record = out.emplace_back(to_record(m, task->first, task->second));
    if (!query.filter.texts) {
      record.input.clear();
      record.output.clear();
    }
  }
  return out;
}

namespace {

bool is_wanted(const model& m, const task_entry& task,
               const group_query& query) {
  const auto& [key, row] = task;
  const auto& now = row.now;
  const auto due = now.due && *now.due <= query.now;
  using kind = group_query::kind;
  switch (query.of) {
  case kind::of_range: return key > query.after && query.keys.contains(key);
  case kind::unsettled:
    return key > query.after && row.leaf && !settled(now.state)
           && (query.parent ? row.parent == query.parent
                            : row.run == query.run);
  case kind::retries_due:
    return now.state == task_state::retrying && due && m.works(row);
  case kind::abandoned:
    return key > query.after && now.state == task_state::running
           && now.engine != m.epoch;
  case kind::waiting:
    return now.state == task_state::pending && due && m.works(row);
  }
  return false;
}

} // namespace

std::vector<task_group> find_groups(const model& m, const group_query& query) {
  std::vector<task_group> tasks;
  for (const auto& task : m.tasks)
    if (is_wanted(m, task, query))
      tasks.push_back(group_of(task.first, task.second));
  using kind = group_query::kind;
  if (query.of == kind::retries_due || query.of == kind::waiting)
    std::ranges::stable_sort(tasks, {}, &task_group::due);
  std::vector<task_group> groups;
  for (const auto& task : tasks)
    join(groups, task);
  groups.resize(std::min(groups.size(), query.limit));
  return groups;
}

std::optional<timestamp> next_due_at(const model& m) {
  std::optional<timestamp> next;
  const auto add
    = [&](timestamp at) { next = next ? std::min(*next, at) : at; };
  for (const auto& [key, row] : m.tasks)
    if (row.now.state == task_state::retrying && m.works(row))
      add(*row.now.due);
  for (const auto& [key, row] : m.waiting)
    if (row.held)
      add(row.not_before);
  for (const auto& [key, run] : m.runs)
    if (!settled(run.state) && run.fence == fence::none
        && run.deadline != no_time)
      add(run.deadline);
  return next;
}

} // namespace conductor::memory
