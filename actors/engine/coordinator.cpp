#include <conductor/coordinator.hpp>

#include <atomic>

#include <caf/all.hpp>

#include <unistd.h>

#include "actors/rules/aggregate_rules.hpp"
#include <conductor/engine.hpp>
#include <conductor/json_text.hpp>
#include "actors/rules/lease_rules.hpp"
#include "actors/rules/retry_rules.hpp"
#include <conductor/submission.hpp>

#include "actors/engine/stop_in_order.hpp"

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

step_result trouble(errc code, std::string message) {
  return {.trouble = {code, std::move(message)}};
}

/// Sends a change set and answers with `answer(reply)` after its commit, or
/// with the trouble in the reply.
template <class Answer>
caf::result<step_result> commit(self_ptr self, change_set changes,
                                Answer answer) {
  auto promise = self->make_response_promise<step_result>();
  self
    ->request(self->state.actors.persistence, caf::infinite, std::move(changes))
    .then([=](const commit_reply& r) mutable { promise.deliver(answer(r)); },
          [=](const caf::error&) mutable {
            promise.deliver(
              answer({.trouble = {errc::stopped, "the engine has stopped"}}));
          });
  return promise;
}

caf::result<step_result> submit(self_ptr self, const submit_step& step) {
  auto& s = self->state;
  auto resolved = resolve(step.spec, {}, s.opts.database, s.now());
  if (!resolved)
    return step_result{.trouble = resolved.error()};
  const auto spools = spools_of(*resolved);
  change_set changes;
  changes.submissions.push_back(std::move(*resolved));
  return commit(self, std::move(changes), [=](const commit_reply& reply) {
    if (reply.trouble || reply.runs.front().existed)
      for (const auto& path : spools)
        ::unlink(path.c_str());
    return reply.trouble ? step_result{.trouble = reply.trouble}
                         : step_result{.run = reply.runs.front()};
  });
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
          promise.deliver(trouble(errc::stopped, "the actor has stopped"));
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
                        const settle_step& step, bool budget_left,
                        timestamp now, milliseconds lease_time) {
  task_brief brief{task.key,     task.run,         task.parent,
                   task.attempt, task.retry_count, task.lost_count};
  change_set plan;
  plan.run_starts.push_back(rules::plan_run_start(task.run, now));
  plan.moves.push_back(rules::plan_claim(brief, 1, now, now + lease_time));
  ++brief.attempt;
  plan.moves.push_back(
    step.succeed
      ? rules::plan_success(brief, step.text, now)
      : rules::plan_failure(brief, {"by_hand", step.text, json{}, true, {}}, "",
                            spec.retry, budget_left, now, 0));
  plan.released.push_back(task.key);
  return plan;
}

caf::result<step_result> settle(self_ptr self, const settle_step& step) {
  auto& s = self->state;
  const auto run = s.reader->find_run(step.run_id);
  const auto key = run ? s.reader->find_task(*run, step.task) : std::nullopt;
  if (!key)
    return trouble(errc::not_found, "no task " + step.task);
  const auto task = s.reader->load_task(*key);
  if (task->state != task_state::pending || s.reader->load_fanout(*key))
    return trouble(errc::conflict, step.task + " is no leaf that is due");
  if (step.succeed && !step.text.empty())
    if (const auto output = parse_json(step.text); !output)
      return trouble(errc::invalid,
                     "the output of " + step.task
                       + " is no JSON: " + output.error().message);
  const auto budget_left = rules::budget_left(
    *s.reader->load_run(*run), s.reader->count_leaves(*run).total());
  auto plan = plan_by_hand(*task, s.reader->load_origin(*key)->spec, step,
                           budget_left, s.now(), s.opts.lease_time);
  return commit(self, std::move(plan), [=](const commit_reply& reply) {
    if (reply.trouble)
      return step_result{.trouble = reply.trouble};
    return reply.refusals.empty()
             ? step_result{.task = *self->state.reader->load_task(*key)}
             : trouble(errc::stale, step.task + " has moved meanwhile");
  });
}

bool has_event(store_reader& reader, run_key run, const std::string& event) {
  return !reader.list_events({.run = run, .name = event}, 0, 1).empty();
}

caf::result<step_result> wait(self_ptr self, const wait_step& step) {
  auto& s = self->state;
  const auto run = s.reader->find_run(step.run_id);
  if (!run)
    return trouble(errc::not_found, "no run " + step.run_id);
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

step_result query_task(coordinator_state& s, const task_query& query) {
  const auto run = s.reader->find_run(query.run_id);
  const auto key = run ? s.reader->find_task(*run, query.task) : std::nullopt;
  if (!key)
    return trouble(errc::not_found, "no task " + query.task);
  return {.task = *s.reader->load_task(*key)};
}

step_result query_run(coordinator_state& s, const run_query& query) {
  const auto run = s.reader->find_run(query.run_id);
  if (!run)
    return trouble(errc::not_found, "no run " + query.run_id);
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
    w.promise.deliver(trouble(errc::stopped, "the coordinator has stopped"));
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
  s.actors.persistence
    = spawn_persistence(sys, db, s.opts, s.actors.hub, detached);
  const role_context context{s.opts,
                             [now = s.now_ms] { return from_ms(*now); },
                             s.actors.persistence,
                             s.actors.hub,
                             open_reader,
                             db->epoch(),
                             make_outbox()};
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
    [=](const task_query& query) { return query_task(self->state, query); },
    [=](const run_query& query) { return query_run(self->state, query); },
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
