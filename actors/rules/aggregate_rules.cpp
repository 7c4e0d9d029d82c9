#include "actors/rules/aggregate_rules.hpp"

#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>

#include "actors/rules/fanout_rules.hpp"

namespace conductor::rules {

namespace {

task_state verdict(const parent_record& parent, const task_spec& spec,
                   fence fence_of_run) {
  const auto& c = parent.children;
  if (parent.fence == fence::cancel || fence_of_run == fence::cancel)
    return task_state::cancelled;
  if (!parent.expansion_error.empty()
      || c.failed > spec.tolerate.of(parent.total))
    return task_state::failed;
  return c.cancelled > 0 ? task_state::cancelled : task_state::succeeded;
}

std::string error_of(const parent_record& parent) {
  if (!parent.expansion_error.empty())
    return parent.expansion_error;
  return dump({{"type", error_type::children_failed},
               {"message", reason::children_failed},
               {"failed", parent.children.failed}});
}

std::string output_of(const parent_record& parent,
                      const collected_outputs& outputs) {
  const auto& c = parent.children;
  json counts{{"total", parent.total},
              {"succeeded", c.succeeded},
              {"failed", c.failed},
              {"cancelled", c.cancelled}};
  if (outputs.omitted > 0)
    counts["outputs_omitted"] = outputs.omitted;
  auto output = dump(counts);
  if (!outputs.array.empty()) {
    output.pop_back(); // the brace; outputs are JSON text already
    output += ",\"outputs\":" + outputs.array + "}";
  }
  return output;
}

} // namespace

bool parent_is_done(const parent_record& parent) {
  if (parent.state != task_state::pending || parent.expanded != parent.total)
    return false;
  // An empty fan-out is settled by the pass that finds it empty.
  if (parent.total == 0 && parent.expansion_error.empty())
    return false;
  return parent.children.settled() == parent.total;
}

bool should_fail_fast(const parent_record& parent, const task_spec& spec) {
  return parent.state == task_state::pending
         && spec.on_failure == on_failure::fail_fast
         && parent.children.failed > spec.tolerate.of(parent.total)
         && parent.children.settled() < parent.total;
}

expand_parent plan_no_more_children(const parent_record& parent) {
  return {.run = parent.run,
          .parent = parent.task,
          .first = parent.expanded + 1,
          .count = 0,
          .expansion_error = error_of(parent),
          .after = end_of_expansion(parent, event_kind::fanout_completed,
                                    parent.expanded)};
}

move_tasks plan_parent(const parent_record& parent, const task_spec& spec,
                       const collected_outputs& outputs, fence fence_of_run) {
  move_tasks move{.run = parent.run,
                  .parent = 0,
                  .tasks = {parent.task, 1},
                  .from = task_state::pending,
                  .attempt = 0,
                  .to = verdict(parent, spec, fence_of_run)};
  move.outputs.push_back(output_of(parent, outputs));
  std::string why;
  if (move.to == task_state::failed) {
    move.error = error_of(parent);
    if (const auto details = parse_error(move.error))
      why = details->message;
  }
  move.events.push_back(task_aggregated(move.to, parent, why));
  return move;
}

bool run_is_done(const run_record& run) {
  return !settled(run.state) && run.settled_tasks() == run.tasks;
}

move_run plan_run(const run_record& run) {
  using enum run_state;
  const auto to = run.fence == fence::cancel     ? cancelled
                  : run.fence == fence::deadline ? failed
                  : run.failed > 0               ? failed
                  : run.cancelled > run.skipped  ? cancelled
                                                 : succeeded;
  // A run that never began is CANCELLED without having been started.
  const auto from = to == cancelled ? run.state : running;
  return {run.key, from, to, {run_aggregated(to, run)}};
}

} // namespace conductor::rules
