#include "actors/intake/manual_retry.hpp"

#include <algorithm>
#include <map>

#include "actors/intake/dependents.hpp"
#include "actors/rules/aggregate_rules.hpp"
#include "actors/rules/manual_retry_rules.hpp"

namespace conductor {

namespace {

constexpr std::size_t page = 1000;

using parents_by_key = std::map<task_key, parent_record>;

/// Adds leaves to a list of groups; neighbours that are equal share one.
void add_leaves(std::vector<task_group>& groups, task_group next) {
  if (!groups.empty()) {
    auto& last = groups.back();
    auto follows = next;
    follows.tasks = last.tasks;
    if (last.tasks.end() == next.tasks.first && last == follows) {
      last.tasks.count += next.tasks.count;
      return;
    }
  }
  groups.push_back(next);
}

/// The groups of a range whose state is wanted. Parents among them are skipped.
void add_range(store_reader& reader, task_range range, const task_filter& which,
               const parents_by_key& parents, std::vector<task_group>& found) {
  const auto wanted = [&](const task_group& g) {
    return std::ranges::count(which.states, g.state) != 0
           && !parents.contains(g.tasks.first);
  };
  for (task_key after = 0; range.count > 0;) {
    const auto groups = reader.groups({.of = group_query::kind::of_range,
                                       .keys = range,
                                       .after = after,
                                       .limit = page});
    for (const auto& g : groups)
      if (wanted(g))
        add_leaves(found, g);
    if (groups.size() < page)
      return;
    after = groups.back().tasks.end() - 1;
  }
}

/// All leaves whose state is wanted, group by group.
std::vector<task_group> find_by_state(store_reader& reader,
                                      const run_record& run,
                                      const task_filter& which,
                                      const parents_by_key& parents) {
  std::vector<task_group> found;
  if (which.parent == 0)
    add_range(reader, {run.first_task, run.tasks}, which, parents, found);
  if (!which.top_level)
    for (const auto& [key, parent] : parents)
      if (which.parent == 0 || which.parent == key)
        add_range(reader, parent.range(), which, parents, found);
  return found;
}

/// Leaves that are chosen by their names or errors, task by task.
std::vector<task_group> find_by_task(store_reader& reader,
                                     const task_filter& which,
                                     const parents_by_key& parents) {
  std::vector<task_group> found;
  for (task_key after = 0;;) {
    const auto tasks = reader.list_tasks(which, after, page);
    for (const auto& t : tasks)
      if (!parents.contains(t.key))
        add_leaves(found, {.run = t.run,
                           .parent = t.parent,
                           .tasks = {t.key, 1},
                           .state = t.state,
                           .attempt = t.attempt,
                           .retry_count = t.retry_count,
                           .lost_count = t.lost_count});
    if (tasks.size() < page)
      return found;
    after = tasks.back().key;
  }
}

/// Why a parent cannot continue with `reopened` of its children; none if it
/// can.
error cannot_continue(store_reader& reader, const parent_record& parent,
                      const state_counts& reopened) {
  const auto spec = reader.load_template(parent.task)->spec;
  if (parent.state == task_state::succeeded)
    return {errc::conflict, spec.name
                              + " SUCCEEDED within its tolerance; its "
                                "failures cannot be retried"};
  if (!parent.expansion_error.empty())
    return {errc::conflict, "not all children of " + spec.name
                              + " were created; submit the run again"};
  auto then = parent;
  then.state = task_state::pending;
  then.children.failed -= reopened.failed;
  then.children.cancelled -= reopened.cancelled;
  then.children.pending += reopened.failed + reopened.cancelled;
  if (rules::should_fail_fast(then, spec))
    return {errc::conflict,
            spec.name + " fails fast, and "
              + std::to_string(then.children.failed)
              + " of its other children FAILED: they would stop it again "
                "immediately; retry all that failed in it"};
  return {};
}

/// Drops leaves whose parent cannot continue, and returns the parents of the
/// others, each once. Errors: conflict, if no leaf is left.
result<std::vector<parent_record>>
choose_parents(store_reader& reader, const parents_by_key& parents,
               std::vector<task_group>& leaves) {
  std::map<task_key, state_counts> reopened; // by parent
  for (const auto& group : leaves)
    if (group.parent != 0)
      reopened[group.parent][group.state] += group.tasks.count;
  std::vector<parent_record> chosen;
  error why;
  for (const auto& [key, counts] : reopened) {
    const auto& parent = parents.at(key);
    auto refused = cannot_continue(reader, parent, counts);
    if (!refused) {
      chosen.push_back(parent);
      continue;
    }
    why = std::move(refused);
    std::erase_if(
      leaves, [k = key](const task_group& group) { return group.parent == k; });
  }
  if (leaves.empty() && why)
    return tl::unexpected(why);
  return chosen;
}

/// Removes leaves that were skipped: they are never chosen by themselves.
/// Returns the error that says so, if there were any.
error drop_skipped(std::vector<task_group>& leaves, const dependents& waiting) {
  std::vector<task_group> kept;
  task_key skipped = 0;
  for (const auto& group : leaves) {
    if (group.parent != 0) {
      kept.push_back(group);
      continue;
    }
    for (auto task = group.tasks.first; task < group.tasks.end(); ++task) {
      auto single = group;
      single.tasks = {task, 1};
      if (waiting.skipped(task))
        skipped = task;
      else
        add_leaves(kept, single);
    }
  }
  leaves = std::move(kept);
  if (skipped == 0)
    return {};
  std::string causes;
  for (const auto cause : waiting.causes_of(skipped))
    causes += (causes.empty() ? "" : ", ") + waiting.name_of(cause);
  return {errc::conflict, waiting.name_of(skipped)
                            + " was skipped, since what it waits for did not "
                              "end as it wants; retry "
                            + causes};
}

/// Parents that a cancel or a deadline ended before all of their children were
/// created, without a child to retry: their fan-out continues.
parents_by_key cut_short_in(const parents_by_key& parents,
                            const dependents& waiting) {
  parents_by_key found;
  for (const auto& [key, parent] : parents)
    if (parent.state == task_state::cancelled && !waiting.skipped(key)
        && parent.children.failed + parent.children.cancelled == 0)
      found.emplace(key, parent);
  return found;
}

std::set<task_key> top_level_of(const std::vector<task_group>& leaves,
                                const std::vector<parent_record>& parents) {
  std::set<task_key> tasks;
  for (const auto& group : leaves)
    for (auto task = group.tasks.first;
         group.parent == 0 && task < group.tasks.end(); ++task)
      tasks.insert(task);
  for (const auto& parent : parents)
    tasks.insert(parent.task);
  return tasks;
}

error cannot_retry(const run_record& run) {
  if (!settled(run.state))
    return {errc::conflict,
            "run " + run.id + " is " + to_string(run.state)
              + "; what failed in it can be retried by hand once it has ended"};
  if (run.state == run_state::succeeded)
    return {errc::conflict,
            "run " + run.id + " SUCCEEDED; there is nothing to retry"};
  return {};
}

/// The filter, restricted to leaves of a run that did not succeed.
task_filter unsuccessful(task_filter which, run_key run) {
  const std::vector states{task_state::failed, task_state::cancelled};
  if (which.states.empty())
    which.states = states;
  std::erase_if(which.states, [&](task_state s) {
    return std::ranges::count(states, s) == 0;
  });
  which.run = run;
  which.texts = false;
  return which;
}

} // namespace

std::int64_t manual_retry::reopened(const commit_reply& reply) const {
  return leaves - std::ranges::count_if(reply.refusals, [&](const refusal& r) {
           return r.part < leaf_parts;
         });
}

result<manual_retry> plan_manual_retry(store_reader& reader, run_key run,
                                       const task_filter& which) {
  const auto snapshot = reader.snapshot();
  const auto record = reader.load_run(run);
  if (!record)
    return fail(errc::not_found, "no such run");
  if (auto why = cannot_retry(*record))
    return tl::unexpected(std::move(why));
  parents_by_key parents;
  for (auto& parent : reader.list_parents(run))
    parents.emplace(parent.task, std::move(parent));
  const auto filter = unsuccessful(which, run);
  std::vector<task_group> leaves;
  if (!filter.states.empty())
    leaves = filter.name.empty() && filter.error.empty()
               ? find_by_state(reader, *record, filter, parents)
               : find_by_task(reader, filter, parents);
  const dependents waiting{reader, run};
  const auto only_skipped = drop_skipped(leaves, waiting);
  const auto cut_short = filter.name.empty() && filter.error.empty()
                           ? cut_short_in(parents, waiting)
                           : parents_by_key{};
  if (leaves.empty() && cut_short.empty() && only_skipped)
    return tl::unexpected(only_skipped);
  if (leaves.empty() && cut_short.empty())
    return fail(errc::not_found,
                "nothing that failed in run " + record->id + " matches");
  auto chosen = choose_parents(reader, parents, leaves);
  if (!chosen)
    return tl::unexpected(chosen.error());
  for (const auto& [key, parent] : cut_short)
    if (std::ranges::find(*chosen, key, &parent_record::task) == chosen->end())
      chosen->push_back(parent);
  const auto along = waiting.reopened_with(top_level_of(leaves, *chosen));
  manual_retry plan{.leaf_parts = leaves.size()};
  for (const auto& group : leaves)
    plan.leaves += group.tasks.count;
  plan.dependents = std::ssize(along);
  plan.changes = rules::plan_manual_retry(*record, leaves, *chosen,
                                          {along.begin(), along.end()});
  return plan;
}

} // namespace conductor
