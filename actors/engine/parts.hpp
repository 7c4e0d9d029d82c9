#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <caf/stateful_actor.hpp>

#include <conductor/actors.hpp>
#include <conductor/contracts.hpp>
#include <conductor/handler.hpp>
#include <conductor/metrics.hpp>
#include <conductor/options.hpp>
#include <conductor/store.hpp>

#include "actors/engine/run_watch.hpp"

/// The actors that an engine consists of, one function each: thin shells round
/// the rules. `wiring.hpp` puts them together.
namespace conductor {

class outcome_queue;

using reader_factory = std::function<std::unique_ptr<store_reader>()>;

/// The arguments that every role actor is spawned with.
struct role_context {
  options opts;
  clock_fn clock;
  persistence_actor writer;
  reader_factory open_reader;
  /// The number of this opening of the store.
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

/// Owns the store's writing side and dates commits by `clock`. It blocks while
/// it commits.
persistence_actor spawn_persistence(caf::actor_system& sys, placement where,
                                    std::shared_ptr<store> db, options opts,
                                    clock_fn clock, fact_router_actor router,
                                    std::shared_ptr<engine_metrics> metrics
                                    = std::make_shared<engine_metrics>());

/// `watch`, which may be none, hears of runs that have ended and of the storage
/// as listeners do.
fact_router_actor spawn_fact_router(caf::actor_system& sys, placement where,
                                    std::shared_ptr<engine_metrics> metrics
                                    = std::make_shared<engine_metrics>(),
                                    std::shared_ptr<run_watch> watch = nullptr);

role_actor spawn_fanout(caf::actor_system& sys, placement where,
                        role_context context);
role_actor spawn_aggregate(caf::actor_system& sys, placement where,
                           role_context context);
role_actor spawn_retry(caf::actor_system& sys, placement where,
                       role_context context);
role_actor spawn_fence(caf::actor_system& sys, placement where,
                       role_context context);
executor_actor spawn_executor(caf::actor_system& sys, placement where,
                              role_context context, handler_map handlers);

} // namespace conductor
