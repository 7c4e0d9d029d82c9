#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <caf/actor_system.hpp>
#include <caf/duration.hpp>
#include <caf/error.hpp>
#include <caf/exit_reason.hpp>
#include <caf/replies_to.hpp>
#include <caf/result.hpp>
#include <caf/sec.hpp>
#include <caf/send.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <conductor/error.hpp>
#include <conductor/time.hpp>

/// Everything that is written differently in CAF 0.17 and in CAF 1.x, so that a
/// port changes this file (and `inspect.hpp`, which needs no CAF).
namespace conductor {

namespace detail {

template <class Signature>
struct signature;
template <class Reply, class... Request>
struct signature<Reply(Request...)> {
  using type = typename caf::replies_to<Request...>::template with<Reply>;
};
template <class... Message>
struct signature<void(Message...)> {
  using type = caf::reacts_to<Message...>;
};

} // namespace detail

/// A typed actor, declared by signatures: `reply(request)` or `void(message)`.
template <class... Signatures>
using actor_interface
  = caf::typed_actor<typename detail::signature<Signatures>::type...>;

/// The interface `Base` with further signatures.
template <class Base, class... Signatures>
using extended_interface = typename Base::template extend<
  typename detail::signature<Signatures>::type...>;

// -- spawning -----------------------------------------------------------------

/// Where an actor runs.
enum class placement : std::uint8_t {
  shared,     ///< on the workers of its system
  own_thread, ///< on a thread of its own; it may block
  guest,      ///< the same, and its system does not wait for it when it ends
};

template <class Function, class... Arguments>
auto spawn_at(caf::actor_system& sys, placement where, Function function,
              Arguments&&... arguments) {
  switch (where) {
  case placement::own_thread:
    return sys.spawn<caf::detached>(function,
                                    std::forward<Arguments>(arguments)...);
  case placement::guest:
    return sys.spawn<caf::detached + caf::hidden>(
      function, std::forward<Arguments>(arguments)...);
  case placement::shared: break;
  }
  return sys.spawn(function, std::forward<Arguments>(arguments)...);
}

// -- sending ------------------------------------------------------------------

template <class Self, class Actor, class Message>
void send_to(Self* self, const Actor& receiver, Message&& message) {
  self->send(receiver, std::forward<Message>(message));
}

template <class Actor, class Message>
void send_anonymously(const Actor& receiver, Message&& message) {
  caf::anon_send(receiver, std::forward<Message>(message));
}

namespace detail {

/// Calls a function after a delay, from a thread that all callers share.
void call_later(milliseconds delay, std::function<void()> call);

/// CAF's clock keeps the actors alive that it has messages for, and it is
/// stopped before the detached actors of its system are: a guest that used it
/// while its host ends would never end.
template <class Self>
bool is_guest(const Self* self) {
  return self->getf(caf::abstract_actor::is_detached_flag)
         && !self->getf(caf::abstract_actor::is_registered_flag);
}

} // namespace detail

/// A message to oneself after a delay. It cannot be cancelled: count
/// generations, and drop those that are stale.
template <class Self, class Message>
void send_later(Self* self, milliseconds delay, const Message& message) {
  if (!detail::is_guest(self)) {
    self->delayed_send(self, delay, message);
    return;
  }
  detail::call_later(
    delay, [weak = caf::weak_actor_ptr{self->ctrl()}, message] {
      if (const auto alive = weak.lock())
        caf::anon_send(caf::actor_cast<caf::actor>(alive), message);
    });
}

/// A request with a time limit, which guests do not have.
template <class Self, class Actor, class Message>
auto ask_within(Self* self, const Actor& receiver, milliseconds limit,
                Message&& message) {
  const auto time = detail::is_guest(self) ? caf::duration{caf::infinite}
                                           : caf::duration{limit};
  return self->request(receiver, time, std::forward<Message>(message));
}

/// A request without a time limit; continue with `.then(reply, error)`.
template <class Self, class Actor, class Message>
auto ask(Self&& self, const Actor& receiver, Message&& message) {
  return self->request(receiver, caf::infinite, std::forward<Message>(message));
}

// -- errors -------------------------------------------------------------------

/// An error of ours as CAF passes it: instead of a reply, or as the reason for
/// which an actor ends.
inline caf::error to_caf(const error& why) {
  return caf::make_error(caf::sec::runtime_error,
                         static_cast<std::uint8_t>(why.code), why.message);
}

/// The error that `to_caf` was given. Everything else means that the receiver
/// is gone, or that it failed for a reason of CAF's.
inline error from_caf(const caf::error& why) {
  if (why == caf::sec::runtime_error
      && why.context().match_elements<std::uint8_t, std::string>())
    return {errc{why.context().get_as<std::uint8_t>(0)},
            why.context().get_as<std::string>(1)};
  if (why == caf::sec::request_receiver_down
      || why == caf::exit_reason::user_shutdown || why == caf::exit_reason::kill
      || !why)
    return {errc::stopped, "the engine has stopped"};
  return {errc::io, caf::to_string(why)};
}

// -- replies ------------------------------------------------------------------

/// A reply that an actor owes and gives later. Copies share it. If all of them
/// are gone without one, because the actor was killed for example, the
/// requester gets an error instead of waiting for ever.
template <class Reply>
class owed_reply {
public:
  template <class Self>
  explicit owed_reply(Self* self)
    : promise_(new promise{self->template make_response_promise<Reply>()},
               [](promise* last) {
                 fail(*last, {errc::stopped, "the engine has stopped"});
                 delete last;
               }) {}

  /// What the message handler returns.
  caf::result<Reply> later() const { return *promise_; }

  void deliver(Reply reply) const {
    if (promise_->pending())
      promise_->deliver(std::move(reply));
  }
  void fail(const error& why) const { fail(*promise_, why); }
  void deliver(result<Reply> reply) const {
    if (reply)
      deliver(std::move(*reply));
    else
      fail(reply.error());
  }

private:
  using promise = caf::typed_response_promise<Reply>;

  static void fail(promise& to, const error& why) {
    if (to.pending())
      to.deliver(to_caf(why));
  }

  std::shared_ptr<promise> promise_;
};

// -- supervision --------------------------------------------------------------

/// Monitors an actor, for `on_down`.
template <class Self, class Actor>
void watch(Self* self, const Actor& actor) {
  self->monitor(actor);
}

/// Ends an actor, whatever it does, once it returns to its mailbox.
inline void kill_actor(const caf::actor& actor) {
  caf::anon_send_exit(actor, caf::exit_reason::kill);
}

/// Calls `handle(address, error)` when an actor that `self` monitors has ended.
template <class Self, class Handle>
void on_down(Self* self, Handle handle) {
  self->set_down_handler([handle](const caf::down_msg& down) {
    handle(down.source, from_caf(down.reason));
  });
}

/// Lets an actor that lets an exception out end with `describe(exception)` as
/// the reason, instead of with CAF's print on standard output.
template <class Self, class Describe>
void end_on_exception(Self* self, Describe describe) {
  self->set_exception_handler(
    [describe](caf::scheduled_actor*, std::exception_ptr& thrown) {
      return to_caf(describe(thrown));
    });
}

/// Monitors an actor that CAF ends when its system is being destroyed; returns
/// the address that `on_down` will then report.
template <class Self>
caf::actor_addr monitor_system(Self* self) {
  const auto server = caf::actor_cast<caf::actor>(self->system().spawn_serv());
  watch(self, server);
  return server.address();
}

/// A handle that does not keep its actor alive: safe to keep for longer than
/// the actor, and than its system.
template <class Actor>
class weak_handle {
public:
  weak_handle() = default;
  explicit weak_handle(const Actor& actor)
    : actor_(caf::actor_cast<caf::weak_actor_ptr>(actor)) {}

  /// The actor, or an invalid handle once it is gone. Do not keep the result.
  Actor lock() const { return caf::actor_cast<Actor>(actor_.lock()); }

private:
  caf::weak_actor_ptr actor_;
};

} // namespace conductor
