#include <map>
#include <optional>

#include <caf/all.hpp>

#include "actors/engine/parts.hpp"
#include "actors/roles/role.hpp"

namespace conductor {

namespace {

/// Only listeners that want every commit want this one.
constexpr auto any_commit = std::uint32_t{1} << 31;

/// A feed, and how far it has served its subscriber.
struct feed_entry {
  event_seq after = 0;
  /// While the feed waits for events after `after`.
  std::optional<owed_reply<feed_reply>> waiting;
};

struct router_state {
  std::vector<listen_request> listeners;
  std::vector<storage_listener> storage_listeners;
  std::map<caf::actor_addr, feed_entry> feeds;
  std::shared_ptr<engine_metrics> metrics;
  std::shared_ptr<run_watch> watch;
  event_seq newest = 0; ///< event of all commits since the start

  const char* name = "fact_router";
};

using self_ptr = fact_router_actor::stateful_pointer<router_state>;

std::uint32_t topics_of(const committed& fact) {
  auto found = any_commit;
  found |= fact.runs.empty() ? 0u : topics::submissions;
  found |= fact.parents.empty() ? 0u : topics::parents;
  found |= fact.updated.empty() ? 0u : topics::changes | topics::times;
  found |= fact.waits_until == no_time ? 0u : topics::times;
  found |= fact.due ? topics::due : 0u;
  for (const auto& m : fact.moves) {
    found |= m.to == task_state::pending ? topics::due : 0u;
    found |= m.to == task_state::retrying ? topics::retries : 0u;
    found |= m.to == task_state::cancelled ? topics::cancels : 0u;
  }
  for (const auto& run : fact.progress)
    found |= settled(run.state)                 ? topics::ended
             : run.settled_tasks() == run.tasks ? topics::done
                                                : 0u;
  return found;
}

/// How far the slowest subscriber lags.
void measure_lag(router_state& s) {
  event_seq lag = 0;
  for (const auto& [feed, entry] : s.feeds)
    lag = std::max(lag, s.newest - entry.after);
  s.metrics->subscribers = std::ssize(s.feeds);
  s.metrics->subscriber_lag = lag;
}

void wake_feeds(router_state& s, const shared_fact& fact) {
  if (s.feeds.empty())
    return;
  for (auto& [feed, entry] : s.feeds)
    if (entry.waiting && s.newest > entry.after) {
      entry.waiting->deliver(feed_reply{s.newest, true, fact});
      entry.waiting.reset();
    }
  measure_lag(s);
}

void route(self_ptr self, const shared_fact& fact) {
  auto& s = self->state;
  if (!fact->events.empty())
    s.newest = fact->events.back().seq + fact->events.back().count - 1;
  const auto found = topics_of(*fact);
  for (const auto& [listener, wanted] : s.listeners)
    if ((found & wanted) != 0)
      send_to(self, listener, fact);
  // Threads are woken after the actors that have work to do.
  if (s.watch && (found & topics::ended) != 0)
    s.watch->hear(*fact);
  wake_feeds(s, fact);
}

caf::result<feed_reply> serve(self_ptr self, const feed_request& request) {
  auto& s = self->state;
  const auto feed = caf::actor_cast<caf::actor_addr>(self->current_sender());
  const auto [entry, is_new] = s.feeds.try_emplace(feed);
  if (is_new)
    watch(self, feed);
  entry->second.after = request.after;
  measure_lag(s);
  // The router does not know what was committed before it started, so that the
  // first request of a feed makes it look at the table.
  if (is_new || s.newest > request.after)
    return feed_reply{.newest = s.newest};
  entry->second.waiting.emplace(self);
  return entry->second.waiting->later();
}

fact_router_actor::behavior_type
fact_router(self_ptr self, std::shared_ptr<engine_metrics> metrics,
            std::shared_ptr<run_watch> watch) {
  end_on_exception(self, reason_of);
  self->state.metrics = std::move(metrics);
  self->state.watch = std::move(watch);
  on_down(self, [self](const caf::actor_addr& feed, const error&) {
    self->state.feeds.erase(feed);
    measure_lag(self->state);
  });
  return {
    [=](const shared_fact& fact) { route(self, fact); },
    [=](const storage_state& state) {
      for (const auto& listener : self->state.storage_listeners)
        send_to(self, listener, state);
      if (self->state.watch)
        self->state.watch->hear(state);
    },
    [=](listen_request& request) {
      self->state.listeners.push_back(std::move(request));
    },
    [=](listen_storage_request& request) {
      self->state.storage_listeners.push_back(std::move(request.listener));
    },
    [=](const feed_request& request) { return serve(self, request); },
    [=](stop_request) {
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

fact_router_actor spawn_fact_router(caf::actor_system& sys, placement where,
                                    std::shared_ptr<engine_metrics> metrics,
                                    std::shared_ptr<run_watch> watch) {
  return spawn_at(sys, where, fact_router, std::move(metrics),
                  std::move(watch));
}

} // namespace conductor
