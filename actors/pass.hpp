#pragma once

#include <caf/all.hpp>

#include <conductor/contracts.hpp>

/// What all role actors have in common: one change set under way at a time (its
/// answer is the credit for the next), passes on request, a timer.
namespace conductor {

struct role_state {
  role_context context;
  std::unique_ptr<store_reader> reader;
  bool busy = false; ///< a change set is under way
  bool stopping = false;
  std::uint64_t timer = 0; ///< generation of the newest timer
  pass_report report;      ///< of the pass under way
  std::vector<caf::typed_response_promise<pass_report>> waiting;
};

/// Arms the one timer of a role; what was armed before is stale.
template <class Self>
void arm(Self self, milliseconds delay) {
  auto& s = self->state;
  if (s.context.opts.automatic && !s.stopping)
    self->delayed_send(self, delay, tick{++s.timer});
}

template <class State>
void finish_pass(State& s) {
  auto report = std::exchange(s.report, {});
  for (auto& promise : std::exchange(s.waiting, {}))
    promise.deliver(report);
}

/// Sends a change set; `done(reply)` runs after its commit.
template <class Self, class Done>
void submit_changes(Self self, change_set changes, Done done) {
  self->state.busy = true;
  self->request(self->state.context.writer, caf::infinite, std::move(changes))
    .then(
      [self, done](commit_reply& reply) {
        self->state.busy = false;
        done(reply);
      },
      // The writer is gone: the engine is stopping; the tables have it all.
      [self](const caf::error&) {
        self->state.stopping = true;
        finish_pass(self->state);
      });
}

} // namespace conductor
