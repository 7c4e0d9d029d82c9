#include "actors/rules/aggregate_rules.hpp"

#include "actors/rules/fanout_rules.hpp"
#include <conductor/json_text.hpp>

namespace conductor::rules {

namespace {

constexpr auto children_failed = "One or more child tasks failed";

task_state verdict(const fanout_record& parent, const task_spec& spec) {
  const auto& c = parent.children;
  if (!parent.broken.empty() || c.failed > spec.tolerate.of(parent.total))
    return task_state::failed;
  return c.cancelled > 0 ? task_state::cancelled : task_state::succeeded;
}

std::string error_of(const fanout_record& parent) {
  if (!parent.broken.empty())
    return parent.broken;
  return dump({{"type", "children_failed"},
               {"message", children_failed},
               {"failed", parent.children.failed}});
}

} // namespace

bool parent_is_done(const fanout_record& parent) {
  if (parent.state != task_state::pending || parent.expanded != parent.total)
    return false;
  // An empty fan-out is settled by the pass that finds it empty.
  if (parent.total == 0 && parent.broken.empty())
    return false;
  return parent.children.settled() == parent.total;
}

bool should_fail_fast(const fanout_record& parent, const task_spec& spec) {
  return parent.state == task_state::pending
         && spec.on_failure == on_failure::fail_fast
         && parent.children.failed > spec.tolerate.of(parent.total)
         && parent.children.settled() < parent.total;
}

expansion plan_no_more_children(const fanout_record& parent, timestamp now) {
  return {parent.run,
          parent.task,
          parent.expanded + 1,
          0,
          {},
          parent.offset,
          error_of(parent),
          now,
          end_of_expansion(parent, event_kind::fanout_completed,
                           parent.expanded, now)};
}

task_move plan_parent(const fanout_record& parent, const task_spec& spec,
                      const collected_outputs& outputs, timestamp now) {
  const auto& c = parent.children;
  const auto to = verdict(parent, spec);
  json counts{{"total", parent.total},
              {"succeeded", c.succeeded},
              {"failed", c.failed},
              {"cancelled", c.cancelled}};
  auto payload = counts;
  payload["state"] = to_string(to);
  task_move move{.run = parent.run,
                 .parent = 0,
                 .tasks = {parent.task, 1},
                 .from = task_state::pending,
                 .attempt = 0,
                 .to = to,
                 .at = now};
  if (to == task_state::failed) {
    move.error = error_of(parent);
    payload["reason"] = json::parse(move.error, nullptr, false)["message"];
  }
  if (outputs.omitted > 0)
    counts["outputs_omitted"] = outputs.omitted;
  auto output = dump(counts);
  if (!outputs.array.empty()) {
    output.pop_back(); // the brace; outputs are JSON text already
    output += ",\"outputs\":" + outputs.array + "}";
  }
  move.outputs.push_back(std::move(output));
  move.events.push_back({event_kind::task_aggregated, dump(payload)});
  return move;
}

run_move plan_run_start(run_key run, timestamp now) {
  return {run,
          run_state::pending,
          run_state::running,
          now,
          {{event_kind::run_started, "{}"}}};
}

bool run_is_done(const run_record& run) {
  return !settled(run.state) && run.settled_tasks() == run.tasks;
}

run_record after_task(run_record run, task_state to) {
  run.succeeded += to == task_state::succeeded;
  run.failed += to == task_state::failed;
  run.cancelled += to == task_state::cancelled;
  return run;
}

run_move plan_run(const run_record& run, timestamp now) {
  const auto to = run.failed > 0      ? run_state::failed
                  : run.cancelled > 0 ? run_state::cancelled
                                      : run_state::succeeded;
  json payload{{"state", to_string(to)},
               {"succeeded", run.succeeded},
               {"failed", run.failed},
               {"cancelled", run.cancelled}};
  if (to == run_state::failed)
    payload["reason"] = "One or more tasks failed";
  return {run.key,
          run_state::running,
          to,
          now,
          {{event_kind::run_aggregated, dump(payload)}}};
}

} // namespace conductor::rules
