#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <caf/stateful_actor.hpp>

#include <conductor/contracts.hpp>
#include <conductor/handler.hpp>
#include <conductor/metrics.hpp>
#include <conductor/options.hpp>
#include <conductor/store.hpp>

/// The actors of the engine: thin shells round the rules. The engine facade
/// wires them up; embedders and tests may do so themselves.
namespace conductor {

class outcome_queue;

/// What every role actor is given.
struct role_context {
  options opts;
  clock_fn clock;
  persistence_actor writer;
  event_hub_actor hub; ///< hears of a role that cannot go on; may be none
  std::function<std::unique_ptr<store_reader>()> open_reader;
  /// Of this opening of the store.
  std::int64_t epoch = 0;
  /// Where handlers report to the executor. Whoever owns the handlers keeps it
  /// alive for as long as they may report.
  std::shared_ptr<outcome_queue> outcomes;
  std::shared_ptr<engine_metrics> metrics = std::make_shared<engine_metrics>();
};

/// A queue for `role_context::outcomes`; it is an `outcome_sink`.
std::shared_ptr<outcome_queue> make_outcome_queue();

/// The handlers by name. Fixed once the executor runs.
using handler_map = std::map<std::string, std::shared_ptr<handler>>;

/// Owns the store's writing side and dates commits by `clock`. Commits block:
/// spawn it detached unless the system has a worker to spare for them.
persistence_actor spawn_persistence(caf::actor_system& sys,
                                    std::shared_ptr<store> db, options opts,
                                    clock_fn clock, event_hub_actor hub,
                                    bool detached = true,
                                    std::shared_ptr<engine_metrics> metrics
                                    = std::make_shared<engine_metrics>());

event_hub_actor
spawn_event_hub(caf::actor_system& sys,
                std::function<std::unique_ptr<store_reader>()> open_reader,
                std::shared_ptr<engine_metrics> metrics
                = std::make_shared<engine_metrics>());

role_actor spawn_fanout(caf::actor_system& sys, role_context context);
role_actor spawn_aggregate(caf::actor_system& sys, role_context context);
role_actor spawn_retry(caf::actor_system& sys, role_context context);
executor_actor spawn_executor(caf::actor_system& sys, role_context context,
                              handler_map handlers);

/// Registers all message types; call it in the constructor of the host's
/// `actor_system_config`.
void register_types(caf::actor_system_config& config);

} // namespace conductor
