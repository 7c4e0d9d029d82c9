#include "actors/rules/fanout_rules.hpp"

#include <algorithm>

#include "actors/rules/aggregate_rules.hpp"
#include <conductor/json_text.hpp>

namespace conductor::rules {

namespace {

void add_start(change_set& plan, const fanout_record& parent, timestamp now) {
  plan.leading.push_back(
    {parent.run, 0, now, {event_kind::fanout_started, "{}"}});
  plan.leading.push_back(
    {parent.run,
     parent.task,
     now,
     {event_kind::fanout_detected, dump({{"children", parent.total}})}});
  plan.run_starts.push_back(plan_run_start(parent.run, now));
}

} // namespace

std::vector<note> end_of_expansion(const fanout_record& parent, event_kind how,
                                   std::int64_t created, timestamp now) {
  const auto payload = dump({{"created", created}});
  return {{parent.run, parent.task, now, {how, payload}},
          {parent.run, 0, now, {event_kind::fanout_finished, payload}}};
}

std::int64_t next_page(const fanout_record& parent, std::int64_t page) {
  return std::min(page, parent.total - parent.expanded);
}

change_set plan_page(const fanout_record& parent, const task_spec& spec,
                     std::int64_t count, std::vector<std::string> items,
                     std::int64_t offset, timestamp now) {
  change_set plan;
  if (parent.expanded == 0)
    add_start(plan, parent, now);
  plan.expansions.push_back({parent.run,
                             parent.task,
                             parent.expanded + 1,
                             count,
                             std::move(items),
                             offset,
                             "",
                             now,
                             {}});
  auto& notes = plan.expansions.back().notes;
  if (parent.total == 0) {
    const auto* outputs = spec.collect == collect::outputs ? "[]" : "";
    plan.moves.push_back(plan_parent(parent, spec, {outputs}, now));
    notes = end_of_expansion(parent, event_kind::fanout_skipped, 0, now);
  } else if (parent.expanded + count == parent.total) {
    notes = end_of_expansion(parent, event_kind::fanout_completed, parent.total,
                             now);
  }
  return plan;
}

std::vector<std::string> listed_items(const fanout_source& source,
                                      std::int64_t from, std::int64_t count) {
  if (source.kind != source_kind::items)
    return {};
  const auto first = source.items.begin() + from;
  return {first, first + count};
}

void add_small_fanouts(change_set& plan, std::int64_t page) {
  const auto& run = plan.submissions.front();
  const auto append = [](auto& to, auto& from) {
    std::move(from.begin(), from.end(), std::back_inserter(to));
  };
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    const auto& task = run.tasks[i];
    if (task.total < 0 || task.total > page || !task.source.path.empty())
      continue;
    page -= task.total;
    fanout_record parent;
    parent.task = new_task(static_cast<std::int64_t>(i));
    parent.run = new_run;
    parent.total = task.total;
    auto children
      = plan_page(parent, task.spec, task.total,
                  listed_items(task.spec.fanout, 0, task.total), 0, run.at);
    append(plan.leading, children.leading);
    append(plan.run_starts, children.run_starts);
    append(plan.expansions, children.expansions);
    append(plan.moves, children.moves);
  }
}

change_set plan_broken_source(const fanout_record& parent,
                              const std::string& message, timestamp now) {
  change_set plan;
  if (parent.expanded == 0)
    add_start(plan, parent, now);
  plan.expansions.push_back(
    {parent.run,
     parent.task,
     parent.expanded + 1,
     0,
     {},
     parent.offset,
     dump({{"type", "source_changed"}, {"message", message}}),
     now,
     end_of_expansion(parent, event_kind::fanout_completed, parent.expanded,
                      now)});
  return plan;
}

} // namespace conductor::rules
