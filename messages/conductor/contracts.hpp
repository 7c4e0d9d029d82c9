#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <conductor/change_set.hpp>
#include <conductor/fact.hpp>
#include <conductor/report.hpp>
#include <conductor/run_spec.hpp>

/// Who can be told what: every typed actor interface of the engine. The only
/// header of the messages that includes CAF.
namespace conductor {

/// An actor's note to itself: commit what has been gathered.
struct flush {
  CONDUCTOR_EMPTY_MESSAGE(flush)
};

/// An actor's timer. Ticks of an older generation are stale and dropped.
struct tick {
  std::uint64_t generation = 0;
  CONDUCTOR_MESSAGE(tick, x.generation)
};

/// Asks a role actor for one pass over the tables.
struct pass_request {
  CONDUCTOR_EMPTY_MESSAGE(pass_request)
};

/// What a pass did; sent when all of it is committed.
struct pass_report {
  std::int64_t found = 0;   ///< parents, runs or tasks there was work for
  std::int64_t changed = 0; ///< children created, tasks or runs moved
  CONDUCTOR_MESSAGE(pass_report, x.found, x.changed)
};

/// Stop taking work. Actors answer when what they had begun is in the store
/// or `patience` is over.
struct stop_request {
  milliseconds patience{0};
  CONDUCTOR_MESSAGE(stop_request, x.patience)
};

struct stopped {
  std::int64_t unfinished = 0; ///< attempts given up
  CONDUCTOR_MESSAGE(stopped, x.unfinished)
};

/// Events for a subscriber, in order, without gaps.
struct event_batch {
  std::vector<event_record> events;
  CONDUCTOR_MESSAGE(event_batch, x.events)
};

/// "I have them": the next batch may come.
struct event_ack {
  CONDUCTOR_EMPTY_MESSAGE(event_ack)
};

/// Handlers have reported outcomes.
struct outcomes_ready {
  CONDUCTOR_EMPTY_MESSAGE(outcomes_ready)
};

/// Asks the monitor how things are.
struct health_request {
  CONDUCTOR_EMPTY_MESSAGE(health_request)
};
struct run_summary_request {
  run_key run = 0;
  CONDUCTOR_MESSAGE(run_summary_request, x.run)
};
struct retry_metrics_request {
  run_key run = 0; ///< 0 = all runs
  CONDUCTOR_MESSAGE(retry_metrics_request, x.run)
};

/// The writer. Answers a change set after its commit; changes of many senders
/// share a transaction.
using persistence_actor
  = caf::typed_actor<caf::replies_to<change_set>::with<commit_reply>,
                     caf::reacts_to<flush>,
                     caf::replies_to<stop_request>::with<stopped>>;

/// Hears of every commit, and of the storage's troubles.
using fact_listener
  = caf::typed_actor<caf::reacts_to<committed>, caf::reacts_to<storage_state>>;

/// A role: lives on facts, reaches the same rules by passes over the tables.
using role_actor
  = fact_listener::extend<caf::reacts_to<tick>,
                          caf::replies_to<pass_request>::with<pass_report>,
                          caf::replies_to<stop_request>::with<stopped>>;

/// Leases due leaves, gives them to handlers, gathers outcomes.
using executor_actor = role_actor::extend<caf::reacts_to<outcomes_ready>>;

/// Takes events; each batch is answered before the next one comes.
using event_subscriber
  = caf::typed_actor<caf::replies_to<event_batch>::with<event_ack>>;

/// What commits tell of, as bits. Waking a listener costs more than most
/// commits, so each says what it wants to hear of.
namespace topics {
constexpr std::uint32_t submissions = 1; ///< runs were created
constexpr std::uint32_t parents = 2;     ///< counts of a parent have moved
constexpr std::uint32_t due = 4;         ///< tasks became PENDING
constexpr std::uint32_t retries = 8;     ///< tasks failed and wait for a retry
constexpr std::uint32_t cancels = 16;    ///< tasks were cancelled
constexpr std::uint32_t done = 32;       ///< a run's last task is settled
constexpr std::uint32_t ended = 64;      ///< a run is settled
constexpr std::uint32_t all = ~std::uint32_t{0}; ///< every commit
} // namespace topics

/// Asks the hub for facts (no cursor: role actors, which also sweep), those
/// that tell of one of the topics; of the storage's state all of them hear …
struct listen {
  fact_listener listener;
  std::uint32_t topics = topics::all;
  CONDUCTOR_MESSAGE(listen, x.listener, x.topics)
};
/// … or for events from a cursor on: everything with seq > `after`.
struct subscribe {
  event_subscriber subscriber;
  event_seq after = 0;
  run_key run = 0;  ///< 0 = all runs
  std::string name; ///< prefix of the events' names
  CONDUCTOR_MESSAGE(subscribe, x.subscriber, x.after, x.run, x.name)
};

/// Passes facts on; subscribers with a cursor are served from the table, so
/// that a slow one lags instead of filling memory.
using event_hub_actor
  = fact_listener::extend<caf::reacts_to<listen>, caf::reacts_to<subscribe>,
                          caf::replies_to<stop_request>::with<stopped>>;

/// Says how things are, from a read-only connection.
using monitor_actor = role_actor::extend<
  caf::replies_to<health_request>::with<health_report>,
  caf::replies_to<run_summary_request>::with<run_summary>,
  caf::replies_to<retry_metrics_request>::with<retry_metrics>>;

} // namespace conductor

// Change sets never leave the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(conductor::change_set)

/// Ids 1000–1199 are ours; a host's own block starts at
/// `caf::id_block::conductor::end` or above 1199.
#ifndef CONDUCTOR_FIRST_TYPE_ID
#define CONDUCTOR_FIRST_TYPE_ID 1000
#endif

CAF_BEGIN_TYPE_ID_BLOCK(conductor, CONDUCTOR_FIRST_TYPE_ID)
CAF_ADD_TYPE_ID(conductor, (conductor::change_set))
CAF_ADD_TYPE_ID(conductor, (conductor::commit_reply))
CAF_ADD_TYPE_ID(conductor, (conductor::committed))
CAF_ADD_TYPE_ID(conductor, (conductor::storage_state))
CAF_ADD_TYPE_ID(conductor, (conductor::flush))
CAF_ADD_TYPE_ID(conductor, (conductor::tick))
CAF_ADD_TYPE_ID(conductor, (conductor::pass_request))
CAF_ADD_TYPE_ID(conductor, (conductor::pass_report))
CAF_ADD_TYPE_ID(conductor, (conductor::stop_request))
CAF_ADD_TYPE_ID(conductor, (conductor::stopped))
CAF_ADD_TYPE_ID(conductor, (conductor::event_batch))
CAF_ADD_TYPE_ID(conductor, (conductor::event_ack))
CAF_ADD_TYPE_ID(conductor, (conductor::outcomes_ready))
CAF_ADD_TYPE_ID(conductor, (conductor::health_request))
CAF_ADD_TYPE_ID(conductor, (conductor::health_report))
CAF_ADD_TYPE_ID(conductor, (conductor::run_summary_request))
CAF_ADD_TYPE_ID(conductor, (conductor::run_summary))
CAF_ADD_TYPE_ID(conductor, (conductor::retry_metrics_request))
CAF_ADD_TYPE_ID(conductor, (conductor::retry_metrics))
CAF_ADD_TYPE_ID(conductor, (conductor::listen))
CAF_ADD_TYPE_ID(conductor, (conductor::subscribe))
// for the coordinator
CAF_ADD_TYPE_ID(conductor, (conductor::run_spec))
CAF_ADD_TYPE_ID(conductor, (conductor::task_record))
CAF_ADD_TYPE_ID(conductor, (conductor::run_record))
CAF_ADD_TYPE_ID(conductor, (conductor::submitted_run))
CAF_ADD_TYPE_ID(conductor, (conductor::error))
CAF_END_TYPE_ID_BLOCK(conductor)

static_assert(caf::id_block::conductor::end <= CONDUCTOR_FIRST_TYPE_ID + 200);
