#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <conductor/caf_compat.hpp>
#include <conductor/change_set.hpp>
#include <conductor/fact.hpp>
#include <conductor/report.hpp>
#include <conductor/run_spec.hpp>

/// Which actor can be sent what: every typed interface between the actors of
/// the engine. With `caf_compat.hpp` the only header of the messages that
/// includes CAF.
namespace conductor {

// -- timers: messages of an actor to itself -----------------------------------

/// Commit what has been gathered.
struct flush {
  CONDUCTOR_EMPTY_MESSAGE(flush)
};

/// Sweep the tables. Ticks of an older generation are stale and dropped. The
/// wiring sends the first one, generation 0, to an actor that is to work by
/// itself; without it the actor acts on requests and facts only.
struct sweep_tick {
  std::uint64_t generation = 0;
  CONDUCTOR_MESSAGE(sweep_tick, x.generation)
};

/// The monitor looks at the engine. The first one only starts its timer.
struct observe_tick {
  CONDUCTOR_EMPTY_MESSAGE(observe_tick)
};

/// Outcomes have waited long enough for others to share a commit with.
struct outcomes_gathered {
  CONDUCTOR_EMPTY_MESSAGE(outcomes_gathered)
};

/// Attempts have had the time that a stop granted them.
struct patience_over {
  CONDUCTOR_EMPTY_MESSAGE(patience_over)
};

/// An actor that was asked to stop should have ended by now.
struct stop_overdue {
  std::uint64_t step = 0;
  CONDUCTOR_MESSAGE(stop_overdue, x.step)
};

/// The table of events could not be read; try again.
struct feed_tick {
  CONDUCTOR_EMPTY_MESSAGE(feed_tick)
};

// -- requests and replies -----------------------------------------------------

/// Asks an actor for one pass over the tables.
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

/// Handlers have reported outcomes.
struct outcomes_ready {
  CONDUCTOR_EMPTY_MESSAGE(outcomes_ready)
};

/// Asks the monitor for its figures.
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
/// The summary of a run by its id.
struct report_request {
  std::string run_id;
  CONDUCTOR_MESSAGE(report_request, x.run_id)
};

// -- interfaces ---------------------------------------------------------------

/// The writer. Answers a change set after its commit; changes of many senders
/// share a transaction.
using persistence_actor = actor_interface<commit_reply(change_set), void(flush),
                                          stopped(stop_request)>;

/// Receives what has been committed.
using fact_listener = actor_interface<void(shared_fact)>;

/// Receives the state of the storage whenever it changes.
using storage_listener = actor_interface<void(storage_state)>;

/// A role: lives on facts, reaches the same rules by passes over the tables.
using role_actor
  = extended_interface<fact_listener, void(sweep_tick),
                       pass_report(pass_request), stopped(stop_request)>;

/// Leases due leaves, gives them to handlers, gathers outcomes.
using executor_actor
  = extended_interface<role_actor, void(storage_state), void(outcomes_ready),
                       void(outcomes_gathered), void(patience_over)>;

/// Events for a subscriber, in order, without gaps.
struct event_batch {
  std::vector<event_record> events;
  CONDUCTOR_MESSAGE(event_batch, x.events)
};

/// The subscriber has processed a batch: the next one may come.
struct event_ack {
  CONDUCTOR_EMPTY_MESSAGE(event_ack)
};

/// Takes events; each batch is answered before the next one is sent.
using event_subscriber = actor_interface<event_ack(event_batch)>;

/// What a commit contains, as bits. Waking a listener costs more than most
/// commits, so each listener names the topics that it needs.
namespace topics {
constexpr std::uint32_t submissions = 1; ///< runs were created
constexpr std::uint32_t parents = 2;     ///< counts of a parent have moved
constexpr std::uint32_t due = 4;         ///< tasks became PENDING
constexpr std::uint32_t retries = 8;     ///< tasks failed and wait for a retry
constexpr std::uint32_t cancels = 16;    ///< tasks were cancelled
constexpr std::uint32_t done = 32;       ///< a run's last task is settled
constexpr std::uint32_t ended = 64;      ///< a run is settled
constexpr std::uint32_t changes = 128;   ///< people changed a run or a task
constexpr std::uint32_t times = 256;     ///< something waits for a time
constexpr std::uint32_t all = ~std::uint32_t{0}; ///< every commit
} // namespace topics

/// Asks the router for the facts that contain one of the topics.
struct listen_request {
  fact_listener listener;
  std::uint32_t topics = topics::all;
  CONDUCTOR_MESSAGE(listen_request, x.listener, x.topics)
};

/// Asks the router for the states of the storage.
struct listen_storage_request {
  storage_listener listener;
  CONDUCTOR_MESSAGE(listen_storage_request, x.listener)
};

/// A feed has served all events up to `after` and asks for more. It is answered
/// when there are some, so that a feed costs nothing while its subscriber is
/// busy.
struct feed_request {
  event_seq after = 0;
  CONDUCTOR_MESSAGE(feed_request, x.after)
};

/// There are events up to `newest`. If the feed had served everything before
/// this commit, `caught_up` is set and `fact` is the commit that has them.
struct feed_reply {
  event_seq newest = 0;
  bool caught_up = false;
  shared_fact fact;
};

/// Passes facts on. It never blocks and reads no tables.
using fact_router_actor
  = actor_interface<void(shared_fact), void(storage_state),
                    void(listen_request), void(listen_storage_request),
                    feed_reply(feed_request), stopped(stop_request)>;

/// Serves one subscriber, at the subscriber's pace.
using event_feed_actor
  = actor_interface<void(feed_tick), stopped(stop_request)>;

/// Reports on the engine, from a read-only connection. A request that fails is
/// answered with an error that `from_caf` reads.
using monitor_actor = actor_interface<
  void(observe_tick), pass_report(pass_request), health_report(health_request),
  run_summary(run_summary_request), run_summary(report_request),
  retry_metrics(retry_metrics_request), stopped(stop_request)>;

} // namespace conductor

// These never leave the process.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(conductor::change_set)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(conductor::shared_fact)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(conductor::feed_reply)

/// Ids 1000–1199 are ours; a host's own block starts at
/// `caf::id_block::conductor::end` or above 1199.
#ifndef CONDUCTOR_FIRST_TYPE_ID
#define CONDUCTOR_FIRST_TYPE_ID 1000
#endif

CAF_BEGIN_TYPE_ID_BLOCK(conductor, CONDUCTOR_FIRST_TYPE_ID)
CAF_ADD_TYPE_ID(conductor, (conductor::change_set))
CAF_ADD_TYPE_ID(conductor, (conductor::commit_reply))
CAF_ADD_TYPE_ID(conductor, (conductor::shared_fact))
CAF_ADD_TYPE_ID(conductor, (conductor::storage_state))
CAF_ADD_TYPE_ID(conductor, (conductor::flush))
CAF_ADD_TYPE_ID(conductor, (conductor::sweep_tick))
CAF_ADD_TYPE_ID(conductor, (conductor::observe_tick))
CAF_ADD_TYPE_ID(conductor, (conductor::outcomes_gathered))
CAF_ADD_TYPE_ID(conductor, (conductor::patience_over))
CAF_ADD_TYPE_ID(conductor, (conductor::stop_overdue))
CAF_ADD_TYPE_ID(conductor, (conductor::feed_tick))
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
CAF_ADD_TYPE_ID(conductor, (conductor::report_request))
CAF_ADD_TYPE_ID(conductor, (conductor::listen_request))
CAF_ADD_TYPE_ID(conductor, (conductor::listen_storage_request))
CAF_ADD_TYPE_ID(conductor, (conductor::feed_request))
CAF_ADD_TYPE_ID(conductor, (conductor::feed_reply))
// of the engine's front and the coordinator
CAF_ADD_TYPE_ID(conductor, (conductor::run_spec))
CAF_ADD_TYPE_ID(conductor, (conductor::task_record))
CAF_ADD_TYPE_ID(conductor, (conductor::run_record))
CAF_ADD_TYPE_ID(conductor, (conductor::submitted_run))
CAF_ADD_TYPE_ID(conductor, (conductor::error))
CAF_END_TYPE_ID_BLOCK(conductor)

static_assert(caf::id_block::conductor::end <= CONDUCTOR_FIRST_TYPE_ID + 200);
