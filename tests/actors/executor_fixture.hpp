#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <conductor/event_payload.hpp>

#include "actors/engine/parts.hpp"

// CAF's test macros need this name.
#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>

/// What the tests of the executor share: time that stands still until a test
/// moves it, and a handler that does what the test says.
namespace probe {

using conductor::attempt;
using conductor::attempt_key;
using conductor::milliseconds;
using conductor::task_key;

/// Executes attempts one after the other in its slots. They end when the test
/// ends them, or after the time that `lasts` has for their task's name.
class scripted_handler : public conductor::handler {
public:
  using clock = conductor::execution_time::clock;

  scripted_handler(std::size_t slots, std::shared_ptr<std::int64_t> now)
    : slots_(slots), now_(std::move(now)) {}

  conductor::handler_traits traits() const override { return own_traits; }

  void start(attempt work, conductor::outcome_sink& sink) override {
    sink_ = &sink;
    ++starts[{work.task, work.number}];
    waiting.push_back(
      {work.key(), work.origin->spec.name, *now_, clock::now(), 0});
    fill();
  }

  void stop(attempt_key which, conductor::stop_reason reason) override {
    stops.emplace_back(which, reason);
    if (obeys)
      end(which, conductor::outcome::failure(to_string(reason), "stopped"));
  }

  std::optional<time_point> began_at(attempt_key which) override {
    for (const auto& j : running)
      if (j.key == which)
        return clock::now() - milliseconds(*now_ - j.began);
    return std::nullopt;
  }

  std::vector<attempt_key> withdraw(time_point before) override {
    std::vector<attempt_key> keys;
    const auto all = before == time_point::max();
    while (!waiting.empty()
           && (all || waiting.front().started + 100 <= *now_)) {
      keys.push_back(waiting.front().key);
      waiting.pop_front();
    }
    return keys;
  }

  /// An attempt ends, whether it waits or runs.
  void end(attempt_key which, conductor::outcome result) {
    for (auto* jobs : {&waiting, &running}) {
      const auto found
        = std::find_if(jobs->begin(), jobs->end(),
                       [&](const job& j) { return j.key == which; });
      if (found == jobs->end())
        continue;
      conductor::execution_time ran;
      if (jobs == &running) {
        ran.began = found->given + milliseconds(found->began - found->started);
        ran.busy = milliseconds(*now_ - found->began);
      }
      jobs->erase(found);
      sink_->report(which, std::move(result), ran);
      break;
    }
    fill();
  }

  /// Ends what has lasted long enough.
  void tick() {
    for (;;) {
      const auto due
        = std::find_if(running.begin(), running.end(), [&](const job& j) {
            const auto lasts_for = lasts.find(j.name);
            return lasts_for != lasts.end()
                   && j.began + lasts_for->second <= *now_;
          });
      if (due == running.end())
        return;
      end(due->key, conductor::outcome::success());
    }
  }

  struct job {
    attempt_key key;
    std::string name;
    std::int64_t started; ///< virtual time
    time_point given;
    std::int64_t began; ///< virtual time
  };
  std::deque<job> waiting, running;
  std::map<std::string, std::int64_t> lasts; ///< ms, by the name of the task
  std::map<std::pair<task_key, std::int32_t>, int> starts;
  std::vector<std::pair<attempt_key, conductor::stop_reason>> stops;
  bool obeys = true; ///< what is told to stop ends at once
  conductor::handler_traits own_traits{.queues = true};

private:
  void fill() {
    while (running.size() < slots_ && !waiting.empty()) {
      running.push_back(waiting.front());
      running.back().began = *now_;
      waiting.pop_front();
    }
  }

  std::size_t slots_;
  std::shared_ptr<std::int64_t> now_;
  conductor::outcome_sink* sink_ = nullptr;
};

struct config : caf::actor_system_config {
  config() { conductor::register_types(*this); }
};

/// An executor on a store in memory, under CAF's deterministic scheduler.
struct executor_fixture : test_coordinator_fixture<config> {
  using task_state = conductor::task_state;

  std::shared_ptr<conductor::store> db = conductor::make_memory_store();
  std::shared_ptr<std::int64_t> now = std::make_shared<std::int64_t>(1000);
  std::shared_ptr<conductor::outcome_queue> queue
    = conductor::make_outcome_queue();
  std::shared_ptr<conductor::engine_metrics> metrics
    = std::make_shared<conductor::engine_metrics>();
  std::shared_ptr<scripted_handler> work;
  conductor::fact_router_actor router;
  conductor::persistence_actor writer;
  conductor::executor_actor executor;
  std::vector<caf::actor> spawned;

  ~executor_fixture() { stop_all(); }

  void stop_all() {
    for (const auto& actor : spawned)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    spawned.clear();
    consume_messages();
  }

  template <class Actor>
  Actor keep(Actor actor) {
    spawned.push_back(caf::actor_cast<caf::actor>(actor));
    return actor;
  }

  static conductor::options options_of(unsigned workers) {
    conductor::options o;
    o.workers = workers;
    o.seed = 1;
    o.gather_time = milliseconds{0};
    return o;
  }

  void spawn(const conductor::options& opts, std::size_t slots) {
    const auto clock = [now = now] { return conductor::from_ms(*now); };
    const auto reader = [db = db] { return db->open_reader(); };
    using conductor::placement;
    router = keep(conductor::spawn_fact_router(sys, placement::shared));
    writer = keep(conductor::spawn_persistence(sys, placement::shared, db, opts,
                                               clock, router, metrics));
    work = std::make_shared<scripted_handler>(slots, now);
    conductor::role_context context;
    context.opts = opts;
    context.clock = clock;
    context.writer = writer;
    context.open_reader = reader;
    context.epoch = db->epoch();
    context.outcomes = queue;
    context.metrics = metrics;
    executor = keep(conductor::spawn_executor(sys, placement::shared, context,
                                              {{"work", work}}));
    caf::anon_send(router, conductor::listen_request{executor});
    caf::anon_send(router, conductor::listen_storage_request{executor});
    caf::anon_send(executor, conductor::sweep_tick{});
    consume_messages();
  }

  void pass_time(std::int64_t ms) {
    *now += ms;
    if (work)
      work->tick();
    advance_time(milliseconds{ms});
    consume_messages();
  }

  template <class Actor, class Request>
  auto send(const Actor& actor, Request request) {
    return self->request(actor, caf::infinite, std::move(request));
  }

  conductor::commit_reply commit(conductor::change_set changes) {
    auto handle = send(writer, std::move(changes));
    consume_messages();
    conductor::commit_reply answer;
    handle.receive([&](conductor::commit_reply& r) { answer = std::move(r); },
                   [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
    return answer;
  }

  /// A run whose parents have these children, all of them created.
  using shape = std::vector<std::pair<std::string, std::int64_t>>;
  static conductor::change_set run_of(const shape& parents,
                                      conductor::task_spec spec = {}) {
    conductor::change_set changes;
    conductor::submission run;
    for (const auto& [name, children] : parents) {
      spec.name = name;
      spec.handler = "work";
      if (children >= 0)
        spec.fanout
          = {.kind = conductor::source_kind::count, .count = children};
      run.tasks.push_back({.spec = spec, .total = children});
    }
    changes.add(std::move(run));
    for (std::size_t i = 0; i < parents.size(); ++i)
      if (parents[i].second >= 0)
        changes.add(conductor::expand_parent{
          .run = conductor::new_run,
          .parent = conductor::new_task(static_cast<std::int64_t>(i)),
          .count = parents[i].second});
    return changes;
  }

  conductor::task_record task(task_key key) {
    return *db->open_reader()->load_task(key);
  }

  std::vector<conductor::task_record> leaves(std::vector<task_state> states) {
    const auto all = db->open_reader()->list_tasks(
      {.states = std::move(states)}, 0, conductor::no_limit);
    std::vector<conductor::task_record> found;
    for (const auto& t : all)
      if (t.parent != 0)
        found.push_back(t);
    return found;
  }

  conductor::state_counts children(task_key parent) {
    return db->open_reader()->load_parent(parent)->children;
  }

  std::vector<conductor::event_record> events(const std::string& kind) {
    return db->open_reader()->list_events({.name = kind}, 0, 100'000);
  }
};

} // namespace probe
