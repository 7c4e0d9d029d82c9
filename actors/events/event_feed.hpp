#pragma once

#include <memory>

#include "actors/engine/engine_core.hpp"
#include "actors/events/callback_gate.hpp"

namespace conductor {

/// What a feed is given: where events come from, and one of two receivers.
struct feed_context {
  fact_router_actor router;
  std::shared_ptr<engine_core> core;
  event_filter filter;
  event_seq after = 0;
  std::shared_ptr<callback_gate> callback;
  event_subscriber subscriber;
};

/// Serves one subscriber with all events that pass the filter, in order and
/// without gaps, on a thread of its own. While it is caught up it learns from
/// the facts whether there is anything to read; when it lags it reads the
/// table, page by page.
event_feed_actor spawn_event_feed(caf::actor_system& sys, feed_context context);

} // namespace conductor
