#include <conductor/coordinator.hpp>

#include <atomic>

#include <caf/all.hpp>

#include <conductor/engine.hpp>
#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>
#include <conductor/lifecycle.hpp>
#include <conductor/submission.hpp>

#include "actors/engine/stop_in_order.hpp"
#include "actors/rules/retry_rules.hpp"

namespace conductor {

namespace {

using step_promise = caf::typed_response_promise<step_result>;
using stop_promise = caf::typed_response_promise<stopped>;

struct waiting_step {
  run_key run = 0;
  std::string event;
  step_promise promise;
};

struct coordinator_state {
  std::shared_ptr<std::atomic<std::int64_t>> now_ms;
  options opts;
  engine_actors actors;
  std::unique_ptr<store_reader> reader;
  std::vector<waiting_step> waiting;
  std::vector<stop_promise> stopping; ///< asked to stop, not there yet

  timestamp now() const { return from_ms(*now_ms); }

  const char* name = "coordinator";
};

using self_ptr = coordinator_actor::stateful_pointer<coordinator_state>;

step_result failed(errc code, std::string message) {
  return {.failed = {code, std::move(message)}};
}

/// Sends a change set and answers with `answer(reply)` after its commit, or
/// with the error in the reply.
template <class Answer>
caf::result<step_result> commit(self_ptr self, change_set changes,
                                Answer answer) {
  auto promise = self->make_response_promise<step_result>();
  self
    ->request(self->state.actors.persistence, caf::infinite, std::move(changes))
    .then([=](const commit_reply& r) mutable { promise.deliver(answer(r)); },
          [=](const caf::error&) mutable {
            promise.deliver(
              answer({.failed = {errc::stopped, "the engine has stopped"}}));
          });
  return promise;
}

/// Reads and writes lists, which blocks: on a thread of its own.
caf::behavior submitter(caf::event_based_actor* self,
                        persistence_actor writer) {
  return {[=](const submit_step& step) {
    const auto commit_one = [&](change_set changes) {
      commit_reply answer{.failed = {errc::stopped, "the engine has stopped"}};
      caf::scoped_actor blocking{self->system()};
      blocking->request(writer, caf::infinite, std::move(changes))
        .receive([&](commit_reply& reply) { answer = std::move(reply); },
                 [](const caf::error&) {});
      return answer;
    };
    // The fan-out is a step of its own.
    const auto run = submit_run(step.spec, {}, commit_one, -1);
    self->quit();
    return run ? step_result{.run = *run} : step_result{.failed = run.error()};
  }};
}

caf::result<step_result> submit(self_ptr self, const submit_step& step) {
  auto promise = self->make_response_promise<step_result>();
  const auto helper
    = self->spawn<caf::detached>(submitter, self->state.actors.persistence);
  self->request(helper, caf::infinite, step)
    .then([=](const step_result& result) mutable { promise.deliver(result); },
          [=](const caf::error&) mutable {
            promise.deliver(failed(errc::stopped, "the engine has stopped"));
          });
  return promise;
}

caf::result<step_result> pass(self_ptr self, const run_step& step) {
  auto& a = self->state.actors;
  auto promise = self->make_response_promise<step_result>();
  const auto ask = [&](const auto& actor) {
    self->request(actor, caf::infinite, pass_request{})
      .then(
        [promise](const pass_report& report) mutable {
          promise.deliver(step_result{.pass = report});
        },
        [promise](const caf::error&) mutable {
          promise.deliver(failed(errc::stopped, "the actor has stopped"));
        });
  };
  switch (step.actor) {
  case role::fanout: ask(a.fanout); break;
  case role::retry: ask(a.retry); break;
  case role::aggregate: ask(a.aggregate); break;
  case role::executor: ask(a.executor); break;
  case role::monitor: ask(a.monitor); break;
  }
  return promise;
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

/// Whether the task moved. A refused start of the run only means that it runs.
bool settled_by_hand(const commit_reply& reply) {
  return std::none_of(reply.refusals.begin(), reply.refusals.end(),
                      [](const refusal& r) { return r.part > 0; });
}

caf::result<step_result> settle(self_ptr self, const settle_step& step) {
  auto& s = self->state;
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
  const auto run = s.reader->find_run(step.run_id);
  if (!run)
    return failed(errc::not_found, "no run " + step.run_id);
  auto promise = self->make_response_promise<step_result>();
  if (has_event(*s.reader, *run, step.event))
    promise.deliver(step_result{});
  else
    s.waiting.push_back({*run, step.event, promise});
  return promise;
}

void hear(coordinator_state& s) {
  std::erase_if(s.waiting, [&](waiting_step& w) {
    const auto there = has_event(*s.reader, w.run, w.event);
    if (there)
      w.promise.deliver(step_result{});
    return there;
  });
}

step_result find_task(coordinator_state& s, const task_request& request) {
  const auto run = s.reader->find_run(request.run_id);
  const auto key = run ? s.reader->find_task(*run, request.task) : std::nullopt;
  if (!key)
    return failed(errc::not_found, "no task " + request.task);
  return {.task = *s.reader->load_task(*key)};
}

step_result find_run(coordinator_state& s, const run_request& request) {
  const auto run = s.reader->find_run(request.run_id);
  if (!run)
    return failed(errc::not_found, "no run " + request.run_id);
  return {.state = *s.reader->load_run(*run)};
}

/// The engine's order; the writer last.
caf::result<stopped> stop(self_ptr self) {
  auto& s = self->state;
  auto promise = self->make_response_promise<stopped>();
  s.stopping.push_back(promise);
  if (s.stopping.size() > 1)
    return promise;
  for (auto& w : s.waiting)
    w.promise.deliver(failed(errc::stopped, "the coordinator has stopped"));
  s.waiting.clear();
  const auto plain
    = [](const auto& actor) { return caf::actor_cast<caf::actor>(actor); };
  const auto& a = s.actors;
  stop_in_order(self,
                {plain(a.executor), plain(a.fanout), plain(a.aggregate),
                 plain(a.retry), plain(a.monitor), plain(a.hub),
                 plain(a.persistence)},
                [=] {
                  for (auto& waiting : self->state.stopping)
                    waiting.deliver(stopped{});
                  self->quit();
                });
  return promise;
}

void spawn_engine(self_ptr self, std::shared_ptr<store> db,
                  handler_map handlers, bool detached) {
  auto& s = self->state;
  auto& sys = self->system();
  // Whoever owns the writer's end owns the store: it is closed when that ends.
  const auto open_reader = [weak = std::weak_ptr{db}] {
    const auto alive = weak.lock();
    if (!alive)
      throw store_error{{errc::stopped, "the engine has stopped"}, true};
    return alive->open_reader();
  };
  s.reader = open_reader();
  s.actors.hub = spawn_event_hub(sys, open_reader);
  const auto clock = [now = s.now_ms] { return from_ms(*now); };
  s.actors.persistence
    = spawn_persistence(sys, db, s.opts, clock, s.actors.hub, detached);
  const role_context context{
    s.opts,      clock,       s.actors.persistence, s.actors.hub,
    open_reader, db->epoch(), make_outcome_queue()};
  s.actors.fanout = spawn_fanout(sys, context);
  s.actors.aggregate = spawn_aggregate(sys, context);
  s.actors.retry = spawn_retry(sys, context);
  s.actors.executor = spawn_executor(sys, context, std::move(handlers));
  s.actors.monitor
    = spawn_monitor(sys, {.open_reader = open_reader,
                          .clock = context.clock,
                          .writer = s.actors.persistence,
                          .database = s.opts.database,
                          .thresholds = {.stuck_after = s.opts.stuck_after},
                          .automatic = false});
  // The executor hears of outcomes to be late; it leases on request only.
  self->send(s.actors.hub, listen{fact_listener{s.actors.executor}});
  self->send(s.actors.hub, listen{fact_listener{self}});
}

coordinator_actor::behavior_type
coordinator(self_ptr self, std::shared_ptr<store> db, options opts,
            timestamp start, handler_map handlers, bool detached) {
  auto& s = self->state;
  s.now_ms = std::make_shared<std::atomic<std::int64_t>>(to_ms(start));
  s.opts = std::move(opts);
  s.opts.automatic = false;
  spawn_engine(self, std::move(db), std::move(handlers), detached);
  return {
    [=](const committed&) { hear(self->state); },
    [=](const storage_state&) {},
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
    [=](stop_request) { return stop(self); },
    [=](health_request wish) {
      return self->delegate(self->state.actors.monitor, wish);
    },
    [=](run_summary_request wish) {
      return self->delegate(self->state.actors.monitor, wish);
    },
    [=](retry_metrics_request wish) {
      return self->delegate(self->state.actors.monitor, wish);
    },
  };
}

} // namespace

coordinator_actor spawn_coordinator(caf::actor_system& sys,
                                    std::shared_ptr<store> db,
                                    const options& opts, timestamp start,
                                    handler_map handlers, bool detached) {
  return sys.spawn(coordinator, std::move(db), opts, start, std::move(handlers),
                   detached);
}

} // namespace conductor
