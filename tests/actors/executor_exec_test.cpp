#define CAF_SUITE actors.executor_exec

#include <chrono>
#include <thread>

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

#include <conductor/builtin_handlers.hpp>

#include "actors/engine/parts.hpp"

#include "actors/executor/outcome_queue.hpp"

using namespace conductor;
using std::chrono::steady_clock;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

task_submission fanout_of(const std::string& name, std::int64_t children,
                          const std::string& argv) {
  task_submission task{.total = children};
  task.spec.name = name;
  task.spec.handler = "exec";
  task.spec.directory = "/";
  task.spec.input = "{\"argv\":" + argv + "}";
  task.spec.fanout = {.kind = source_kind::count, .count = children};
  return task;
}

change_set mixed_run(std::int64_t quick, std::int64_t slow) {
  change_set changes;
  submission run;
  run.tasks = {fanout_of("true", quick, R"(["true"])"),
               fanout_of("sleep", slow, R"(["sleep", "1"])")};
  changes.add(run);
  changes.add(
    expand_parent{.run = new_run, .parent = new_task(0), .count = quick});
  changes.add(
    expand_parent{.run = new_run, .parent = new_task(1), .count = slow});
  return changes;
}

/// An executor of processes in real time, on a store in memory.
struct bench {
  config cfg;
  caf::actor_system sys{cfg};
  std::shared_ptr<store> db = make_memory_store();
  std::unique_ptr<store_reader> reader = db->open_reader();
  std::shared_ptr<outcome_queue> queue = make_outcome_queue();
  std::shared_ptr<handler> exec = make_exec_handler({.slots = 2});
  caf::scoped_actor self{sys};
  fact_router_actor router;
  persistence_actor writer;
  executor_actor executor;

  bench() {
    options opts;
    opts.workers = 2;
    const auto open = [db = db] { return db->open_reader(); };
    router = spawn_fact_router(sys, placement::shared);
    writer = spawn_persistence(sys, placement::own_thread, db, opts, system_now,
                               router);
    role_context context;
    context.opts = opts;
    context.clock = system_now;
    context.writer = writer;
    context.open_reader = open;
    context.epoch = db->epoch();
    context.outcomes = queue;
    executor
      = spawn_executor(sys, placement::shared, context, {{"exec", exec}});
    self->send(router, listen_request{executor});
    self->send(executor, sweep_tick{});
  }

  ~bench() {
    for (const auto& actor : {caf::actor_cast<caf::actor>(executor),
                              caf::actor_cast<caf::actor>(router),
                              caf::actor_cast<caf::actor>(writer)})
      self->send_exit(actor, caf::exit_reason::kill);
  }

  state_counts children(task_key parent) {
    return reader->load_parent(parent)->children;
  }
};

} // namespace

CAF_TEST(short and long processes share two workers) {
  bench b;
  b.self->request(b.writer, caf::infinite, mixed_run(10, 6))
    .receive([](const commit_reply& r) { CAF_REQUIRE(!r.failed); },
             [](const caf::error&) { CAF_ERROR("no answer"); });
  const auto begin = steady_clock::now();
  auto calm = begin;       // when there were two RUNNING at most, last
  auto quick_done = begin; // when the short ones had ended
  steady_clock::duration crowded{0};
  while (b.children(2).succeeded < 6
         && steady_clock::now() - begin < std::chrono::seconds(60)) {
    const auto now = steady_clock::now();
    if (b.children(1).running + b.children(2).running <= 2)
      calm = now;
    crowded = std::max(crowded, now - calm);
    if (b.children(1).succeeded < 10)
      quick_done = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CAF_CHECK_EQUAL(b.children(2).succeeded, 6);
  // The bounds hold on a busy machine too; what is false is false by seconds.
  CAF_CHECK(crowded < std::chrono::milliseconds(400));
  CAF_CHECK(quick_done - begin < std::chrono::milliseconds(1500));
  for (const auto& t : b.reader->list_tasks({}, 0, no_limit))
    if (t.parent != 0) {
      const auto own = t.parent == 1 ? 0 : 1000;
      const auto took = (t.updated_at - t.started_at).count();
      CAF_CHECK_GREATER_OR_EQUAL(took, own);
      CAF_CHECK_LESS(took, own + 300);
    }
}
