#pragma once

#include <cstdint>
#include <string>

#include <conductor/contracts.hpp>
#include <conductor/control.hpp>
#include <conductor/engine.hpp>

namespace caf {
class actor_system_config;
}

/// The engine in messages, for hosts that are made of CAF actors themselves.
namespace conductor {

/// Registers all message types; call it in the constructor of the host's
/// `actor_system_config`.
void register_types(caf::actor_system_config& config);

/// As `engine::submit`. Relative paths are relative to the current directory.
struct submit_request {
  run_spec spec;
  CONDUCTOR_MESSAGE(submit_request, x.spec)
};

/// As `engine::retry`.
struct manual_retry_request {
  std::string run_id;
  retry_filter which;
  bool dry_run = false; ///< answer the same, and change nothing
  friend bool operator==(const manual_retry_request&,
                         const manual_retry_request&)
    = default;
};

/// Work on what the database holds.
struct start_request {
  CONDUCTOR_EMPTY_MESSAGE(start_request)
};

/// Sends the subscriber all events of a run ("" = of all runs) with seq >
/// `after`, in batches. It ends with the subscriber, the engine, or an
/// `unsubscribe_request`.
struct subscribe_request {
  event_subscriber subscriber;
  std::string run_id;
  event_seq after = 0;
  std::string name; ///< glob pattern, or a prefix of the events' names
  CONDUCTOR_MESSAGE(subscribe_request, x.subscriber, x.run_id, x.after, x.name)
};

struct subscribe_reply {
  std::uint64_t id = 0;
  CONDUCTOR_MESSAGE(subscribe_reply, x.id)
};

struct unsubscribe_request {
  std::uint64_t id = 0;
  CONDUCTOR_MESSAGE(unsubscribe_request, x.id)
};

/// A feed that was spawned elsewhere; the engine ends it when it stops.
struct feed_started {
  event_feed_actor feed;
  CONDUCTOR_MESSAGE(feed_started, x.feed)
};

/// Reads files and tables, which may block, before it asks the writer. Errors
/// are those of `engine::submit` and `engine::retry`, read with `from_caf`.
using intake_actor
  = actor_interface<submitted_run(submit_request),
                    retry_reply(manual_retry_request), change_reply(run_change),
                    change_reply(task_change), stopped(stop_request)>;

/// The front of an engine. It spawns all other actors, monitors them and stops
/// them. If one of them ends by itself, the storage is reported as lost, with
/// the reason, and the engine stops. It never blocks: requests are passed on to
/// actors that may. A request that fails is answered with an error that
/// `from_caf` reads.
using engine_actor
  = actor_interface<void(start_request), submitted_run(submit_request),
                    retry_reply(manual_retry_request), change_reply(run_change),
                    change_reply(task_change), run_summary(report_request),
                    health_report(health_request),
                    subscribe_reply(subscribe_request),
                    void(unsubscribe_request), stopped(stop_request),
                    void(feed_started), void(stop_overdue)>;

/// The actors of a running engine. These handles keep nothing alive, so that
/// copies may outlive the engine and the actor system.
struct engine_actors {
  weak_handle<engine_actor> engine;
  weak_handle<persistence_actor> persistence; ///< for change sets of your own
};

} // namespace conductor

// It never leaves the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(conductor::manual_retry_request)

// clang-format off
CAF_BEGIN_TYPE_ID_BLOCK(conductor_engine, caf::id_block::conductor::end)
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::start_request))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::submit_request))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::manual_retry_request))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::retry_reply))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::run_change))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::task_change))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::change_reply))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::subscribe_request))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::subscribe_reply))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::unsubscribe_request))
  CAF_ADD_TYPE_ID(conductor_engine, (conductor::feed_started))
CAF_END_TYPE_ID_BLOCK(conductor_engine)
// clang-format on
