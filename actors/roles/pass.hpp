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

/// What an exception says, as an error.
inline error reason_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const store_error& e) {
    return e.why();
  } catch (const std::exception& e) {
    return {errc::io, e.what()};
  } catch (...) {
    return {errc::io, "unknown error"};
  }
}

template <class State>
void finish_pass(State& s) {
  auto report = std::exchange(s.report, {});
  for (auto& promise : std::exchange(s.waiting, {}))
    promise.deliver(report);
}

/// Sends a change set; `done(reply)` runs after its commit. If there will be
/// none the writer is gone, and the tables have it all: the actor rests.
template <class Self, class Done>
void send_changes(Self self, change_set changes, Done done) {
  const auto rest = [self] {
    self->state.stopping = true;
    finish_pass(self->state);
  };
  self->request(self->state.context.writer, caf::infinite, std::move(changes))
    .then(
      [=](commit_reply& reply) {
        if (reply.failed)
          rest();
        else
          done(reply);
      },
      [=](const caf::error&) { rest(); });
}

/// One at a time, where the answer is the credit for the next.
template <class Self, class Done>
void submit_changes(Self self, change_set changes, Done done) {
  self->state.busy = true;
  send_changes(self, std::move(changes), [self, done](commit_reply& reply) {
    self->state.busy = false;
    done(reply);
  });
}

/// An actor that cannot read the store any more ends. The engine must stop
/// then, and say why: to go on without would be to hang.
template <class Self>
void tell_of_trouble(Self self) {
  self->set_exception_handler([self](caf::scheduled_actor*,
                                     std::exception_ptr& thrown) -> caf::error {
    auto& s = self->state;
    s.stopping = true;
    finish_pass(s);
    if (s.context.hub)
      self->send(s.context.hub, storage_state{false, true, reason_of(thrown)});
    return caf::exit_reason::unhandled_exception;
  });
}

} // namespace conductor
