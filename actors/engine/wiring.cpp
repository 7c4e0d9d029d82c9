#include "actors/engine/wiring.hpp"

#include <caf/actor_system_config.hpp>

#include <conductor/coordinator.hpp>
#include <conductor/monitor.hpp>

// Which actor may block on what (`placements` says where it runs):
//
// | actor                    | blocks on                                    |
// |--------------------------|----------------------------------------------|
// | front                    | short reads, for new subscriptions           |
// | router                   | nothing                                      |
// | writer                   | commits: fsync                               |
// | fanout, aggregate, retry | short reads                                  |
// | executor                 | short reads                                  |
// | monitor                  | reads of any length                          |
// | intake                   | files, reads of any length, commits          |
// | feeds                    | pages of events, callbacks of subscribers    |
namespace conductor {

void register_types(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::conductor>();
  config.add_message_types<caf::id_block::conductor_engine>();
  config.add_message_types<caf::id_block::conductor_coordinator>();
}

wiring::wiring(caf::actor_system& sys, std::shared_ptr<engine_core> core,
               std::shared_ptr<store> db)
  : sys_(&sys), core_(std::move(core)) {
  const auto& c = *core_;
  router = spawn_fact_router(sys, c.where.front, c.metrics, c.watch);
  persistence = spawn_persistence(sys, c.where.writer, std::move(db), c.opts,
                                  c.clock, router, c.metrics);
  monitor = spawn_monitor(sys, c.where.readers,
                          {.open_reader = c.readers(),
                           .clock = c.clock,
                           .writer = persistence,
                           .database = c.opts.database,
                           .thresholds = {.stuck_after = c.opts.stuck_after},
                           .metrics = c.metrics});
  intake = spawn_intake(sys, c.where.readers, core_, persistence);
}

void wiring::spawn_roles() {
  const auto& c = *core_;
  const role_context context{c.opts,  c.clock,    persistence, c.readers(),
                             c.epoch, c.outcomes, c.metrics};
  aggregate = spawn_aggregate(*sys_, c.where.roles, context);
  fence = spawn_fence(*sys_, c.where.roles, context);
  if (!c.opts.execute)
    return;
  fanout = spawn_fanout(*sys_, c.where.roles, context);
  retry = spawn_retry(*sys_, c.where.roles, context);
  executor
    = spawn_executor(*sys_, c.where.roles, context, core_->handlers.all());
}

void wiring::drive() const {
  using namespace topics;
  // The executor hears first: it is what work waits for.
  if (core_->opts.execute) {
    send_anonymously(
      router,
      listen_request{executor, submissions | parents | due | cancels | ended});
    send_anonymously(router, listen_request{fanout, submissions | due});
    send_anonymously(router, listen_request{retry, retries | times});
    send_anonymously(router, listen_storage_request{executor});
  }
  send_anonymously(router, listen_request{aggregate, parents | done});
  send_anonymously(router, listen_request{fence, changes});
  // After the subscriptions: what a first sweep does not see is then heard of.
  for (const auto& role :
       {fanout, aggregate, retry, fence, role_actor{executor}})
    if (role)
      send_anonymously(role, sweep_tick{});
  send_anonymously(monitor, observe_tick{});
}

std::vector<std::pair<std::string, caf::actor>> wiring::all() const {
  std::vector<std::pair<std::string, caf::actor>> found;
  const auto add = [&](const char* name, const auto& actor) {
    if (actor)
      found.emplace_back(name, caf::actor_cast<caf::actor>(actor));
  };
  add("intake", intake);
  add("executor", executor);
  add("fanout", fanout);
  add("aggregate", aggregate);
  add("retry", retry);
  add("fence", fence);
  add("monitor", monitor);
  add("fact router", router);
  add("writer", persistence);
  return found;
}

std::vector<wiring::stop_step>
wiring::stop_steps(std::vector<caf::actor> feeds) const {
  const auto plain
    = [](const auto& actor) { return caf::actor_cast<caf::actor>(actor); };
  return {
    {{plain(executor)}, {}},
    {{plain(fanout), plain(aggregate), plain(retry), plain(fence)}, {}},
    {{plain(monitor)}, {}},
    {std::move(feeds), {}},
    {{plain(router)}, {}},
    // Before the file is let go: no attempt may still run when another engine
    // begins the next one.
    {{plain(intake), plain(persistence)},
     [core = core_] {
       core->handlers.clear();
       core->close_shared_reader();
     }},
  };
}

} // namespace conductor
