#pragma once

#include <deque>

#include <caf/all.hpp>

#include <conductor/contracts.hpp>

namespace conductor {

/// Stops actors, each once the one before it has answered; then `done()`.
template <class Self, class Done>
void stop_in_order(Self self, std::deque<caf::actor> actors, Done done) {
  if (actors.empty())
    return done();
  const auto next = std::move(actors.front());
  actors.pop_front();
  // One that is gone already has stopped as well.
  self->request(next, caf::infinite, stop_request{})
    .then([=](const stopped&) { stop_in_order(self, actors, done); },
          [=](const caf::error&) { stop_in_order(self, actors, done); });
}

} // namespace conductor
