#include <conductor/coordinator.hpp>

#include <atomic>

#include <caf/all.hpp>

#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>
#include <conductor/lifecycle.hpp>

#include "actors/engine/supervision.hpp"
#include "actors/rules/retry_rules.hpp"

namespace conductor {

namespace {

struct waiting_step {
  run_key run = 0;
  std::string event;
  owed_reply<step_result> reply;
};

struct coordinator_state {
  supervision crew;
  std::shared_ptr<std::atomic<std::int64_t>> now_ms;
  std::unique_ptr<store_reader> reader;
  std::vector<waiting_step> waiting;

  const options& opts() const { return crew.parts.core().opts; }
  timestamp now() const { return from_ms(*now_ms); }

  const char* name = "coordinator";
};

using self_ptr = coordinator_actor::stateful_pointer<coordinator_state>;

step_result failed(errc code, std::string message) {
  return {.failed = {code, std::move(message)}};
}

step_result stopped_step() {
  return failed(errc::stopped, "the coordinator has stopped");
}

/// Sends a change set and answers with `answer(reply)` after its commit, or
/// with the error in the reply.
template <class Answer>
caf::result<step_result> commit(self_ptr self, change_set changes,
                                Answer answer) {
  const owed_reply<step_result> owed{self};
  ask(self, self->state.crew.parts.persistence, std::move(changes))
    .then([=](const commit_reply& reply) { owed.deliver(answer(reply)); },
          [=](const caf::error& e) {
            owed.deliver(step_result{.failed = from_caf(e)});
          });
  return owed.later();
}

caf::result<step_result> submit(self_ptr self, const submit_step& step) {
  const owed_reply<step_result> owed{self};
  ask(self, self->state.crew.parts.intake, submit_request{step.spec})
    .then(
      [=](const submitted_run& run) { owed.deliver(step_result{.run = run}); },
      [=](const caf::error& e) {
        owed.deliver(step_result{.failed = from_caf(e)});
      });
  return owed.later();
}

caf::result<step_result> pass(self_ptr self, const run_step& step) {
  auto& a = self->state.crew.parts;
  const owed_reply<step_result> owed{self};
  const auto run = [&](const auto& actor) {
    ask(self, actor, pass_request{})
      .then(
        [owed](const pass_report& report) {
          owed.deliver(step_result{.pass = report});
        },
        [owed](const caf::error& e) {
          owed.deliver(step_result{.failed = from_caf(e)});
        });
  };
  switch (step.actor) {
  case role::fanout: run(a.fanout); break;
  case role::retry: run(a.retry); break;
  case role::aggregate: run(a.aggregate); break;
  case role::executor: run(a.executor); break;
  case role::monitor: run(a.monitor); break;
  }
  return owed.later();
}

/// The same rules as an executor's, in one change set: leased, then settled.
change_set plan_by_hand(const task_record& task, const task_spec& spec,
                        const settle_step& step, bool budget_left) {
  task_group group{.run = task.run,
                   .parent = task.parent,
                   .tasks = {task.key, 1},
                   .state = task_state::running,
                   .attempt = task.attempt + 1,
                   .retry_count = task.retry_count,
                   .lost_count = task.lost_count};
  change_set plan;
  plan.add(start_of_run(task.run));
  plan.add(move_tasks{.run = task.run,
                      .parent = task.parent,
                      .tasks = group.tasks,
                      .from = task_state::pending,
                      .attempt = task.attempt,
                      .to = task_state::running,
                      .events = {task_started(group.attempt)}});
  const auto error = rules::error_text("by_hand", step.text, group.attempt);
  plan.add(step.succeed
             ? rules::plan_success(group, step.text.empty()
                                            ? std::vector<std::string>{}
                                            : std::vector{step.text})
             : rules::plan_failure(group, {.type = "by_hand", .error = error},
                                   {}, spec.retry, budget_left, 0));
  return plan;
}

/// Whether the task moved. If only the start of the run is refused, the run
/// has started already.
bool settled_by_hand(const commit_reply& reply) {
  return std::none_of(reply.refusals.begin(), reply.refusals.end(),
                      [](const refusal& r) { return r.part > 0; });
}

caf::result<step_result> settle(self_ptr self, const settle_step& step) {
  auto& s = self->state;
  if (!s.reader)
    return stopped_step();
  const auto run = s.reader->find_run(step.run_id);
  const auto key = run ? s.reader->find_task(*run, step.task) : std::nullopt;
  if (!key)
    return failed(errc::not_found, "no task " + step.task);
  const auto task = s.reader->load_task(*key);
  if (task->state != task_state::pending || s.reader->load_parent(*key))
    return failed(errc::conflict, step.task + " is not a leaf that is due");
  if (step.succeed && !step.text.empty())
    if (const auto output = parse_json(step.text); !output)
      return failed(errc::invalid,
                    "the output of " + step.task
                      + " is not JSON: " + output.error().message);
  const auto budget_left = rules::budget_left(
    *s.reader->load_run(*run), s.reader->count_leaves(*run).total());
  auto plan = plan_by_hand(*task, s.reader->load_template(*key)->spec, step,
                           budget_left);
  return commit(self, std::move(plan), [=](const commit_reply& reply) {
    if (reply.failed)
      return step_result{.failed = reply.failed};
    return settled_by_hand(reply)
             ? step_result{.task = *self->state.reader->load_task(*key)}
             : failed(errc::stale, step.task + " has moved meanwhile");
  });
}

bool has_event(store_reader& reader, run_key run, const std::string& event) {
  return !reader.list_events({.run = run, .name = event}, 0, 1).empty();
}

caf::result<step_result> wait(self_ptr self, const wait_step& step) {
  auto& s = self->state;
  if (!s.reader)
    return stopped_step();
  const auto run = s.reader->find_run(step.run_id);
  if (!run)
    return failed(errc::not_found, "no run " + step.run_id);
  if (has_event(*s.reader, *run, step.event))
    return step_result{};
  s.waiting.push_back({*run, step.event, owed_reply<step_result>{self}});
  return s.waiting.back().reply.later();
}

void hear(coordinator_state& s) {
  if (!s.reader)
    return;
  std::erase_if(s.waiting, [&](waiting_step& w) {
    const auto there = has_event(*s.reader, w.run, w.event);
    if (there)
      w.reply.deliver(step_result{});
    return there;
  });
}

step_result find_task(coordinator_state& s, const task_request& request) {
  if (!s.reader)
    return stopped_step();
  const auto run = s.reader->find_run(request.run_id);
  const auto key = run ? s.reader->find_task(*run, request.task) : std::nullopt;
  if (!key)
    return failed(errc::not_found, "no task " + request.task);
  return {.task = *s.reader->load_task(*key)};
}

step_result find_run(coordinator_state& s, const run_request& request) {
  if (!s.reader)
    return stopped_step();
  const auto run = s.reader->find_run(request.run_id);
  if (!run)
    return failed(errc::not_found, "no run " + request.run_id);
  return {.state = *s.reader->load_run(*run)};
}

/// The same wiring as an engine's, with a clock of its own. Nobody drives it,
/// so that every actor waits to be asked.
wiring wire(caf::actor_system& sys, std::shared_ptr<store> db, options opts,
            clock_fn clock, handler_map handlers) {
  auto core = std::make_shared<engine_core>(
    std::move(opts), std::move(clock), db, std::move(handlers),
    placements{.writer = placement::own_thread}, true);
  wiring parts{sys, std::move(core), std::move(db)};
  parts.spawn_roles();
  return parts;
}

coordinator_actor::behavior_type coordinator(self_ptr self,
                                             std::shared_ptr<store> db,
                                             options opts, timestamp start,
                                             handler_map handlers) {
  auto& s = self->state;
  // The epoch itself means "no time", so that the clock begins after it.
  s.now_ms = std::make_shared<std::atomic<std::int64_t>>(
    std::max<std::int64_t>(1, to_ms(start)));
  s.reader = db->open_reader();
  supervise(self,
            wire(
              self->system(), std::move(db), std::move(opts),
              [now = s.now_ms] { return from_ms(*now); }, std::move(handlers)));
  s.crew.at_stop = [self] {
    for (auto& w : std::exchange(self->state.waiting, {}))
      w.reply.deliver(stopped_step());
    self->state.reader.reset(); // the last connection, the writer's, tidies up
  };
  send_to(self, s.crew.parts.router, listen_request{fact_listener{self}});
  return {
    [=](const shared_fact&) { hear(self->state); },
    [=](const submit_step& step) { return submit(self, step); },
    [=](const run_step& step) { return pass(self, step); },
    [=](const settle_step& step) { return settle(self, step); },
    [=](const advance_step& step) {
      *self->state.now_ms += step.by.count();
      return step_result{};
    },
    [=](const wait_step& step) { return wait(self, step); },
    [=](const task_request& request) {
      return find_task(self->state, request);
    },
    [=](const run_request& request) { return find_run(self->state, request); },
    [=](health_request request) {
      return self->delegate(self->state.crew.parts.monitor, request);
    },
    [=](run_summary_request request) {
      return self->delegate(self->state.crew.parts.monitor, request);
    },
    [=](retry_metrics_request request) {
      return self->delegate(self->state.crew.parts.monitor, request);
    },
    [=](stop_request request) { return on_stop(self, request.patience); },
    [=](stop_overdue overdue) { on_stop_overdue(self, overdue); },
  };
}

} // namespace

coordinator_actor spawn_coordinator(caf::actor_system& sys,
                                    std::shared_ptr<store> db,
                                    const options& opts, timestamp start,
                                    handler_map handlers) {
  return sys.spawn(coordinator, std::move(db), opts, start,
                   std::move(handlers));
}

} // namespace conductor
