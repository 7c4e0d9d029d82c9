#pragma once

#include <caf/all.hpp>

#include "actors/engine/parts.hpp"

/// What all role actors have in common: one change set under way at a time (its
/// reply is the credit for the next), passes on request, a timer.
///
/// A role is a struct with `role_state` as its base and
///
///     void on_fact(const committed&)   remembers the work that a fact brings
///     void sweep()                     finds the same in the tables
///     void pump(role_pointer<Role>)    a free function: submits the next
///                                      change set unless one is under way
///
/// and is spawned with `make_role<Role>` as its behaviour.
namespace conductor {

struct role_state {
  role_context context;
  std::unique_ptr<store_reader> reader;
  bool ticking = false; ///< works by itself, not on request only
  bool busy = false;    ///< a change set is under way
  bool stopping = false;
  std::uint64_t timer = 0; ///< generation of the newest timer
  pass_report report;      ///< of the pass under way
  std::vector<owed_reply<pass_report>> waiting;
};

template <class Role>
using role_pointer = role_actor::stateful_pointer<Role>;

/// Arms the one timer of a role; what was armed before is stale.
template <class Self>
void arm(Self self, milliseconds delay) {
  auto& s = self->state;
  if (s.ticking && !s.stopping)
    send_later(self, delay, sweep_tick{++s.timer});
}

/// What an exception says.
inline error reason_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const store_error& e) {
    return e.why();
  } catch (const std::exception& e) {
    return {errc::io, e.what()};
  } catch (...) {
    return {errc::io, "an exception of an unknown type"};
  }
}

template <class State>
void finish_pass(State& s) {
  auto report = std::exchange(s.report, {});
  for (const auto& reply : std::exchange(s.waiting, {}))
    reply.deliver(report);
}

/// Sends a change set; `done(reply)` runs after its commit. Without a commit
/// the writer is gone, and everything is in the tables: the actor rests.
template <class Self, class Done>
void send_changes(Self self, change_set changes, Done done) {
  const auto rest = [self] {
    self->state.stopping = true;
    finish_pass(self->state);
  };
  ask(self, self->state.context.writer, std::move(changes))
    .then(
      [=](commit_reply& reply) {
        if (reply.failed)
          rest();
        else
          done(reply);
      },
      [=](const caf::error&) { rest(); });
}

/// One at a time, where the reply is the credit for the next.
template <class Self, class Done>
void submit_changes(Self self, change_set changes, Done done) {
  self->state.busy = true;
  send_changes(self, std::move(changes), [self, done](commit_reply& reply) {
    self->state.busy = false;
    done(reply);
  });
}

/// An actor that cannot read the store any more ends, with the error as its
/// reason: the engine, which monitors it, stops and reports it.
template <class Self>
void end_on_failure(Self self) {
  end_on_exception(self, [self](const std::exception_ptr& thrown) {
    self->state.stopping = true;
    finish_pass(self->state);
    return reason_of(thrown);
  });
}

template <class Role>
role_actor::behavior_type make_role(role_pointer<Role> self,
                                    role_context context) {
  end_on_failure(self);
  self->state.context = std::move(context);
  self->state.reader = self->state.context.open_reader();
  return {
    [=](const shared_fact& fact) {
      self->state.on_fact(*fact);
      pump(self);
    },
    [=](sweep_tick tick) {
      auto& s = self->state;
      if (tick.generation != s.timer)
        return;
      s.ticking = true;
      // First, so that a role may set it to an earlier time.
      arm(self, s.context.opts.sweep_interval);
      s.sweep();
      pump(self);
    },
    [=](pass_request) -> caf::result<pass_report> {
      owed_reply<pass_report> reply{self};
      self->state.waiting.push_back(reply);
      self->state.sweep();
      pump(self);
      return reply.later();
    },
    [=](stop_request) {
      self->state.stopping = true;
      finish_pass(self->state);
      self->quit();
      return stopped{};
    },
  };
}

} // namespace conductor
