#include <conductor/fanout_rules.hpp>

#include <algorithm>

#include <conductor/aggregate_rules.hpp>
#include <conductor/json_text.hpp>

namespace conductor::rules {

namespace {

void add_start(change_set& plan, const fanout_record& parent, timestamp now) {
  plan.leading.push_back({parent.run, 0, now,
                          {event_kind::fanout_started, "{}"}});
  plan.leading.push_back({parent.run,
                          parent.task,
                          now,
                          {event_kind::fanout_detected,
                           dump({{"children", parent.total}})}});
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
