#pragma once

#include <deque>
#include <set>

#include <caf/all.hpp>

#include "actors/engine/wiring.hpp"
#include "actors/roles/role.hpp"

namespace conductor {

/// How an actor that owns a `wiring` looks after it. `self->state.crew` is one
/// of these, and its interface has `stopped(stop_request)` and
/// `void(stop_overdue)`.
struct supervision {
  wiring parts;
  std::map<caf::actor_addr, std::string> alive; ///< that are monitored
  std::map<caf::actor_addr, caf::actor> feeds;
  caf::actor_addr system_end; ///< ends when the host's actor system does

  std::function<void()> at_stop; ///< called when the stop begins; may be none
  bool stopping = false;
  std::deque<wiring::stop_step> steps; ///< still to come
  std::vector<caf::actor> current;     ///< those that are being stopped
  std::uint64_t step = 0;
  milliseconds patience{0};
  std::int64_t unfinished = 0; ///< attempts given up
  std::vector<owed_reply<stopped>> waiting;
  /// While this is set nobody else needs to keep the supervisor alive.
  caf::strong_actor_ptr me;

  supervision() = default;
  supervision(const supervision&) = delete;
  supervision& operator=(const supervision&) = delete;
  /// After an orderly stop nothing is left to do here. If the supervisor was
  /// killed, what it looked after must not outlive it.
  ~supervision() {
    if (!parts)
      return;
    parts.core().stopping = true;
    parts.core().watch->hear(
      storage_state{false, true, {errc::stopped, "the engine has stopped"}});
    for (const auto& [name, actor] : parts.all())
      kill_actor(actor);
    for (const auto& [address, feed] : feeds)
      kill_actor(feed);
  }
};

/// How long an actor may take to stop, beyond the patience that it was given,
/// before it is killed.
constexpr std::chrono::seconds stop_limit{30};

template <class Self>
void monitor_parts(Self* self) {
  auto& crew = self->state.crew;
  crew.me = caf::actor_cast<caf::strong_actor_ptr>(self);
  for (const auto& [name, actor] : crew.parts.all())
    if (crew.alive.emplace(actor.address(), name).second)
      watch(self, actor);
}

template <class Self>
void ask_to_stop(Self* self, const caf::actor& actor) {
  auto& crew = self->state.crew;
  const auto is_executor = actor.address() == crew.parts.executor.address();
  ask(self, actor, stop_request{is_executor ? crew.patience : milliseconds{0}})
    .then(
      [self](const stopped& answer) {
        self->state.crew.unfinished += answer.unfinished;
      },
      [](const caf::error&) {
        // It has ended, which `on_part_down` handles.
      });
}

/// Everything has ended: so does the supervisor.
template <class Self>
void finish_stop(Self* self) {
  auto& crew = self->state.crew;
  crew.parts.core().watch->hear(
    storage_state{false, true, {errc::stopped, "the engine has stopped"}});
  for (const auto& reply : std::exchange(crew.waiting, {}))
    reply.deliver(stopped{std::exchange(crew.unfinished, 0)});
  crew.me = nullptr;
  self->quit();
}

template <class Self>
void next_stop_step(Self* self) {
  auto& crew = self->state.crew;
  while (!crew.steps.empty()) {
    auto next = std::move(crew.steps.front());
    crew.steps.pop_front();
    if (next.before)
      next.before();
    ++crew.step;
    crew.current.clear();
    for (const auto& actor : next.actors)
      if (actor
          && (crew.alive.count(actor.address()) != 0
              || crew.feeds.count(actor.address()) != 0))
        crew.current.push_back(actor);
    if (crew.current.empty())
      continue;
    for (const auto& actor : crew.current)
      ask_to_stop(self, actor);
    send_later(self, crew.patience + stop_limit, stop_overdue{crew.step});
    return;
  }
  finish_stop(self);
}

template <class Self>
void begin_stop(Self* self, milliseconds patience) {
  auto& crew = self->state.crew;
  if (std::exchange(crew.stopping, true))
    return;
  crew.parts.core().stopping = true;
  if (crew.at_stop)
    crew.at_stop();
  crew.patience = patience;
  std::vector<caf::actor> feeds;
  for (const auto& [address, feed] : crew.feeds)
    feeds.push_back(feed);
  const auto steps = crew.parts.stop_steps(std::move(feeds));
  crew.steps.assign(steps.begin(), steps.end());
  next_stop_step(self);
}

/// A stop that comes while another is under way shortens its patience, and is
/// answered at once.
template <class Self>
caf::result<stopped> on_stop(Self* self, milliseconds patience) {
  auto& crew = self->state.crew;
  if (crew.stopping) {
    if (crew.parts.executor)
      send_anonymously(crew.parts.executor, stop_request{patience});
    return stopped{};
  }
  const owed_reply<stopped> reply{self};
  crew.waiting.push_back(reply);
  begin_stop(self, patience);
  return reply.later();
}

template <class Self>
void on_stop_overdue(Self* self, stop_overdue overdue) {
  auto& crew = self->state.crew;
  if (overdue.step == crew.step)
    for (const auto& actor : crew.current)
      kill_actor(actor);
}

/// An actor has ended. Without being asked to, that is the end of the engine:
/// to continue without it would be to hang.
template <class Self>
void on_part_down(Self* self, const caf::actor_addr& who, const error& why) {
  auto& crew = self->state.crew;
  if (who == crew.system_end)
    return begin_stop(self, milliseconds{0});
  const auto part = crew.alive.extract(who);
  crew.feeds.erase(who);
  std::erase_if(crew.current, [&](const caf::actor& actor) {
    return actor.address() == who;
  });
  if (crew.stopping) {
    if (crew.current.empty())
      next_stop_step(self);
    return;
  }
  if (part.empty())
    return; // a feed whose subscriber left
  auto reason = "the " + part.mapped() + " ended";
  if (why.code != errc::stopped)
    reason += ": " + why.message;
  const storage_state lost{false, true, {why.code, std::move(reason)}};
  crew.parts.core().watch->hear(lost);
  send_to(self, crew.parts.router, lost);
  begin_stop(self, milliseconds{0});
}

/// Call it first of all in the behaviour of the supervisor.
template <class Self>
void supervise(Self* self, wiring parts) {
  end_on_exception(self, reason_of);
  self->state.crew.parts = std::move(parts);
  on_down(self, [self](const caf::actor_addr& who, const error& why) {
    on_part_down(self, who, why);
  });
  monitor_parts(self);
}

} // namespace conductor
