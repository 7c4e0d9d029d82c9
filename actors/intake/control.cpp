#include "actors/intake/control.hpp"

#include <conductor/event_payload.hpp>

#include "actors/rules/lease_rules.hpp"

namespace conductor {

namespace {

error has_settled(const std::string& what, const char* state) {
  return {errc::conflict, what + " is " + state + "; it cannot be changed"};
}

std::int64_t open_leaves(store_reader& reader, run_key run) {
  auto counts = reader.count_leaves(run);
  return counts.total() - counts.settled();
}

/// What a change of a run asks the store for; no event if nothing changes.
update_run update_of(const run_record& run, const run_change& asked,
                     timestamp now) {
  using kind = run_change::kind;
  update_run part{.run = run.key};
  switch (asked.what) {
  case kind::cancel:
    part.fence = fence::cancel;
    part.events.push_back(run_cancelled(reason::by_hand));
    break;
  case kind::pause:
    part.paused = true;
    part.events.push_back(run_paused());
    break;
  case kind::unpause:
    part.paused = false;
    part.events.push_back(run_unpaused());
    break;
  case kind::update:
    part.priority = asked.priority;
    part.deadline = asked.deadline;
    part.events.push_back(
      run_updated(asked.priority, asked.deadline.from(now)));
    break;
  }
  return part;
}

bool changes_anything(const run_record& run, const update_run& update) {
  return (update.fence != fence::none && run.fence == fence::none)
         || (update.paused && *update.paused != run.paused)
         || update.priority != 0 || update.deadline.is_set();
}

} // namespace

result<planned_change> plan_change(store_reader& reader,
                                   const run_change& asked, timestamp now) {
  using kind = run_change::kind;
  planned_change plan;
  if (asked.run_id.empty()) {
    if (asked.what != kind::pause && asked.what != kind::unpause)
      return fail(errc::invalid, "name the run");
    plan.changes.add(pause_all{asked.what == kind::pause});
    plan.reply.changed = true;
    return plan;
  }
  const auto moment = reader.snapshot();
  const auto key = reader.find_run(asked.run_id);
  const auto run = key ? reader.load_run(*key) : std::nullopt;
  if (!run)
    return fail(errc::not_found, "no run " + asked.run_id);
  if (settled(run->state))
    return tl::unexpected(has_settled("run " + run->id, to_string(run->state)));
  plan.reply.run_id = run->id;
  plan.reply.tasks = open_leaves(reader, run->key);
  auto part = update_of(*run, asked, now);
  if (changes_anything(*run, part)) {
    plan.reply.changed = true;
    plan.changes.add(std::move(part));
  }
  return plan;
}

namespace {

/// A leaf is cancelled at once; below a parent all that has not settled is
/// ended step by step, behind the fence.
void plan_cancel_of(const task_record& task,
                    const std::optional<parent_record>& parent,
                    planned_change& plan) {
  if (!parent) {
    plan.reply.tasks = 1;
    plan.changes.add(rules::plan_cancel({.run = task.run,
                                         .parent = task.parent,
                                         .tasks = {task.key, 1},
                                         .state = task.state,
                                         .attempt = task.attempt,
                                         .retry_count = task.retry_count,
                                         .lost_count = task.lost_count},
                                        reason::by_hand));
    return;
  }
  plan.reply.tasks = parent->total - parent->children.settled();
  plan.reply.changed = parent->fence == fence::none;
  if (plan.reply.changed)
    plan.changes.add(
      update_task{.run = task.run, .task = task.key, .fence = fence::cancel});
}

} // namespace

result<planned_change> plan_change(store_reader& reader,
                                   const task_change& asked) {
  const auto moment = reader.snapshot();
  const auto key = reader.find_task(asked.task_id);
  const auto task = key ? reader.load_task(*key) : std::nullopt;
  if (!task)
    return fail(errc::not_found, "no task " + asked.task_id);
  if (settled(task->state))
    return tl::unexpected(has_settled(task->name, to_string(task->state)));
  const auto parent = reader.load_parent(task->key);
  planned_change plan;
  plan.reply = {task->run_id, 1, true};
  if (asked.cancel) {
    plan_cancel_of(*task, parent, plan);
    return plan;
  }
  if (task->parent != 0)
    return fail(errc::conflict,
                task->name + " is a child; change its parent instead");
  std::optional<count_or_percent> tolerate;
  if (asked.tolerate.count >= 0)
    tolerate = asked.tolerate;
  std::optional<std::int64_t> max_concurrency;
  if (asked.max_concurrency >= 0)
    max_concurrency = asked.max_concurrency;
  if ((tolerate || max_concurrency) && !parent)
    return fail(errc::conflict, task->name + " has no children");
  if (parent)
    plan.reply.tasks = parent->total - parent->children.settled();
  plan.changes.add(update_task{
    .run = task->run,
    .task = task->key,
    .tolerate = tolerate,
    .max_concurrency = max_concurrency,
    .priority = asked.priority,
    .events = {task_updated(tolerate, max_concurrency, asked.priority)}});
  return plan;
}

} // namespace conductor
