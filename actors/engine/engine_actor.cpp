#include "actors/engine/engine_actor.hpp"

#include <caf/all.hpp>

#include "actors/engine/supervision.hpp"
#include "actors/events/event_feed.hpp"

namespace conductor {

namespace {

struct engine_state {
  supervision crew;
  bool started = false;
  std::map<std::uint64_t, event_feed_actor> subscriptions; ///< by id
  std::uint64_t last_subscription = 0;

  const char* name = "engine";
};

using self_ptr = engine_actor::stateful_pointer<engine_state>;

void start(self_ptr self) {
  auto& s = self->state;
  if (s.crew.stopping || std::exchange(s.started, true))
    return;
  s.crew.parts.spawn_roles();
  monitor_parts(self);
  s.crew.parts.drive();
}

void add_feed(self_ptr self, const event_feed_actor& feed) {
  auto& crew = self->state.crew;
  if (crew.stopping)
    return send_anonymously(feed, stop_request{});
  watch(self, feed);
  crew.feeds.emplace(feed.address(), caf::actor_cast<caf::actor>(feed));
}

caf::result<subscribe_reply> subscribe(self_ptr self,
                                       const subscribe_request& request) {
  auto& s = self->state;
  auto& core = s.crew.parts.core();
  feed_context feed{.router = s.crew.parts.router,
                    .core = core.shared_from_this(),
                    .filter = {.name = request.name},
                    .after = request.after,
                    .subscriber = request.subscriber};
  try {
    if (!request.run_id.empty()) {
      const auto run = core.look_up(request.run_id);
      if (!run)
        return to_caf({errc::not_found, "no run " + request.run_id});
      feed.filter.run = run->key;
    }
  } catch (const store_error& why) {
    return to_caf(why.why());
  }
  const auto actor = spawn_event_feed(self->system(), std::move(feed));
  add_feed(self, actor);
  s.subscriptions.emplace(++s.last_subscription, actor);
  return subscribe_reply{s.last_subscription};
}

engine_actor::behavior_type engine_front(self_ptr self, wiring parts,
                                         bool is_guest) {
  supervise(self, std::move(parts));
  if (is_guest)
    self->state.crew.system_end = monitor_system(self);
  return {
    [=](start_request) { start(self); },
    [=](submit_request& request) {
      return self->delegate(self->state.crew.parts.intake, std::move(request));
    },
    [=](manual_retry_request& request) {
      return self->delegate(self->state.crew.parts.intake, std::move(request));
    },
    [=](run_change& request) {
      return self->delegate(self->state.crew.parts.intake, std::move(request));
    },
    [=](task_change& request) {
      return self->delegate(self->state.crew.parts.intake, std::move(request));
    },
    [=](report_request& request) {
      return self->delegate(self->state.crew.parts.monitor, std::move(request));
    },
    [=](health_request request) {
      return self->delegate(self->state.crew.parts.monitor, request);
    },
    [=](const subscribe_request& request) { return subscribe(self, request); },
    [=](unsubscribe_request request) {
      const auto found = self->state.subscriptions.extract(request.id);
      if (!found.empty())
        send_anonymously(found.mapped(), stop_request{});
    },
    [=](stop_request request) { return on_stop(self, request.patience); },
    [=](const feed_started& started) { add_feed(self, started.feed); },
    [=](stop_overdue overdue) { on_stop_overdue(self, overdue); },
  };
}

} // namespace

engine_actor spawn_engine_actor(wiring parts, placement where) {
  auto& sys = parts.system();
  return spawn_at(sys, where, engine_front, std::move(parts),
                  where == placement::guest);
}

} // namespace conductor
