#include "actors/rules/fanout_rules.hpp"

#include <algorithm>
#include <iterator>

#include <conductor/event_payload.hpp>
#include <conductor/lifecycle.hpp>

#include "actors/rules/aggregate_rules.hpp"

namespace conductor::rules {

std::vector<append_event> end_of_expansion(const parent_record& parent,
                                           event_kind how,
                                           std::int64_t created) {
  return {{parent.run, parent.task, fanout_ended(how, created)},
          {parent.run, 0, fanout_ended(event_kind::fanout_finished, created)}};
}

std::int64_t next_page(const parent_record& parent, std::int64_t page) {
  return std::min(page, parent.total - parent.expanded);
}

change_set plan_page(const parent_record& parent, const task_spec& spec,
                     std::int64_t count) {
  change_set plan;
  expand_parent children{.run = parent.run,
                         .parent = parent.task,
                         .first = parent.expanded + 1,
                         .count = count};
  if (parent.expanded == 0) {
    plan.add(start_of_run(parent.run));
    children.before
      = {{parent.run, 0, fanout_started()},
         {parent.run, parent.task, fanout_detected(parent.total)}};
  }
  if (parent.expanded + count == parent.total)
    children.after
      = end_of_expansion(parent,
                         parent.total == 0 ? event_kind::fanout_skipped
                                           : event_kind::fanout_completed,
                         parent.total);
  plan.add(std::move(children));
  if (parent.total == 0) {
    const auto* outputs = spec.collect == collect::outputs ? "[]" : "";
    plan.add(plan_parent(parent, spec, {outputs}));
  }
  return plan;
}

void add_small_fanouts(change_set& plan, std::int64_t page) {
  std::vector<change> children;
  const auto& tasks = std::get<submission>(plan.parts.front()).tasks;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto& task = tasks[i];
    if (task.total < 0 || task.total > page)
      continue;
    page -= task.total;
    const parent_record parent{.task = new_task(static_cast<std::int64_t>(i)),
                               .run = new_run,
                               .total = task.total};
    auto parts = plan_page(parent, task.spec, task.total).parts;
    // The run starts once.
    std::move(parts.begin() + (children.empty() ? 0 : 1), parts.end(),
              std::back_inserter(children));
  }
  std::move(children.begin(), children.end(), std::back_inserter(plan.parts));
}

} // namespace conductor::rules
