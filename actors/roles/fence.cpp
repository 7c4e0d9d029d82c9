#include <set>

#include "actors/roles/role.hpp"
#include "actors/rules/fence_rules.hpp"

namespace conductor {

namespace {

constexpr std::size_t page = 1000; ///< runs, parents or groups looked at

/// Ends what is behind fences, a page at a time. Aggregation then settles the
/// parents and the runs.
struct fence_role : role_state {
  std::set<run_key> runs; ///< that may have a fence, or a parent with one

  void on_fact(const committed& fact) {
    runs.insert(fact.updated.begin(), fact.updated.end());
  }
  void sweep();

  const char* name = "fence";
};

using self_ptr = role_pointer<fence_role>;

void fence_role::sweep() {
  for (run_key after = 0;;) {
    const auto open = reader->load_open_runs(after, page);
    for (const auto& run : open)
      if (run.fence != fence::none)
        runs.insert(run.key);
    if (open.size() < page)
      break;
    after = open.back().key;
  }
  for (task_key after = 0;;) {
    const auto open = reader->load_open_parents(after, page);
    for (const auto& parent : open)
      if (parent.fence != fence::none)
        runs.insert(parent.run);
    if (open.size() < page)
      break;
    after = open.back().task;
  }
}

void add(change_set& plan, change_set more) {
  for (auto& part : more.parts)
    plan.parts.push_back(std::move(part));
}

void add_leaves(fence_role& s, const group_query& query, fence by,
                change_set& plan) {
  for (const auto& group : s.reader->groups(query))
    plan.add(rules::plan_fenced(group, by));
}

/// The next page of what a run still has behind fences.
change_set plan_page(fence_role& s, run_key key) {
  const auto moment = s.reader->snapshot();
  change_set plan;
  const auto run = s.reader->load_run(key);
  if (!run || settled(run->state))
    return plan;
  const auto by = run->fence;
  for (const auto& parent : s.reader->parents({.run = key, .open = true})) {
    if (plan.parts.size() >= page)
      return plan;
    const auto fenced = by != fence::none ? by : parent.fence;
    if (fenced == fence::none)
      continue;
    add(plan, rules::plan_fenced(parent, fenced));
    if (by == fence::none)
      add_leaves(s,
                 {.of = group_query::kind::unsettled,
                  .parent = parent.task,
                  .limit = page},
                 fenced, plan);
  }
  if (by != fence::none)
    add_leaves(s,
               {.of = group_query::kind::unsettled, .run = key, .limit = page},
               by, plan);
  return plan;
}

void pump(self_ptr self) {
  auto& s = self->state;
  while (!s.busy && !s.stopping) {
    if (s.runs.empty())
      return finish_pass(s);
    const auto key = *s.runs.begin();
    auto plan = plan_page(s, key);
    if (plan.empty()) {
      s.runs.erase(key);
      continue;
    }
    submit_changes(self, std::move(plan), [=](const commit_reply& reply) {
      auto& state = self->state;
      state.report.changed += reply.tasks_changed;
      // Refused moves have been overtaken; the next look shows how they stand.
      pump(self);
    });
  }
}

} // namespace

role_actor spawn_fence(caf::actor_system& sys, placement where,
                       role_context context) {
  return spawn_at(sys, where, make_role<fence_role>, std::move(context));
}

} // namespace conductor
