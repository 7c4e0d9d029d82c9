#include "actors/executor/executor_state.hpp"

namespace conductor {

namespace {

using self_ptr = executor_actor::stateful_pointer<executor_state>;

// Credit: change sets under way at once. Two claims keep the handlers busy
// while one is being committed; outcomes gather meanwhile.
constexpr int max_claims = 2;
constexpr int max_outcomes = 2;

/// The tick that ends the patience of a stop, and the one that ends the wait
/// of outcomes for others.
constexpr tick patience_over{~std::uint64_t{0}};
constexpr tick gathered{patience_over.generation - 1};

/// How long a stop waits for a writer that takes no writes.
constexpr std::chrono::seconds last_wish{2};

void pump(self_ptr self, bool waited = false);
void withdraw_waiting(self_ptr self);

void send_claims(self_ptr self) {
  auto& s = self->state;
  // Until all is reclaimed, a claim might share the lease of one that is lost.
  while (s.reclaimed && !s.stopping && s.stop_waiting.empty() && s.writable
         && s.claims < max_claims) {
    auto plan = s.plan_claims(s.context.clock());
    if (plan.changes.empty())
      return;
    ++s.claims;
    auto changes = plan.changes;
    send_changes(self, std::move(changes),
                 [self, plan = std::move(plan)](const commit_reply& reply) {
                   auto& state = self->state;
                   --state.claims;
                   state.start(plan, reply, state.context.clock());
                   if (!state.stop_waiting.empty())
                     withdraw_waiting(self);
                   pump(self);
                 });
  }
}

void send_outcomes(self_ptr self, bool waited) {
  auto& s = self->state;
  if (s.outcomes >= max_outcomes)
    return;
  auto changes = s.plan_outcomes(s.context.clock(), waited);
  if (changes.empty()) {
    if (!s.box->empty() && !std::exchange(s.gathering, true))
      self->delayed_send(self, s.context.opts.gather_time, gathered);
    return;
  }
  ++s.outcomes;
  // Who is refused must be told apart by run; texts are not needed for that.
  std::vector<task_move> sent;
  for (const auto& m : changes.moves)
    sent.push_back({.run = m.run, .parent = m.parent, .tasks = m.tasks});
  auto released = changes.released;
  send_changes(
    self, std::move(changes),
    [self, sent = std::move(sent),
     released = std::move(released)](const commit_reply& reply) {
      auto& state = self->state;
      --state.outcomes;
      state.released(released);
      auto late = state.plan_late(sent, reply.refusals, state.context.clock());
      if (!late.empty())
        send_changes(self, std::move(late), [](const commit_reply&) {});
      pump(self);
    });
}

bool at_rest(const executor_state& s) {
  return s.leased() == 0 && s.claims == 0 && s.outcomes == 0;
}

void end(self_ptr self) {
  auto& s = self->state;
  for (auto& promise : std::exchange(s.stop_waiting, {}))
    promise.deliver(stopped{s.leased()});
  s.stopping = true;
  s.stop_all();
  finish_pass(s);
  self->quit();
}

/// What is still leased goes back: the next engine begins with it.
void give_back(self_ptr self) {
  auto& s = self->state;
  if (std::exchange(s.giving_back, true))
    return;
  self
    ->request(s.context.writer, last_wish, s.plan_give_back(s.context.clock()))
    .then([self](const commit_reply&) { end(self); },
          [self](const caf::error&) { end(self); });
}

/// Nothing is begun any more.
void withdraw_waiting(self_ptr self) {
  auto& s = self->state;
  if (s.stopping || !s.writable)
    return;
  auto changes = s.plan_withdrawal(s.context.clock());
  if (changes.empty())
    return;
  ++s.outcomes;
  auto released = changes.released;
  send_changes(self, std::move(changes), [=](const commit_reply&) {
    --self->state.outcomes;
    self->state.released(released);
    pump(self);
  });
}

/// What is leased may end before; for what is not, somebody's patience is over
/// some time. Where nothing can be written, the next engine finds the leases
/// and takes them over.
void wind_up(self_ptr self) {
  auto& s = self->state;
  if (at_rest(s) || (s.out_of_patience && (s.stopping || !s.writable)))
    end(self);
  else if (s.out_of_patience && s.claims == 0 && s.outcomes == 0)
    give_back(self);
}

/// The timer serves timeouts, the leases' deadlines and the sweep.
void arm_next(self_ptr self) {
  auto& s = self->state;
  const auto now = s.context.clock();
  s.armed_for = s.next_upkeep;
  if (const auto timeout = s.next_timeout())
    s.armed_for = std::min(s.armed_for, *timeout);
  arm(self, std::max(milliseconds{1}, s.armed_for - now));
}

void pump(self_ptr self, bool waited) {
  auto& s = self->state;
  if (!s.giving_back)
    send_outcomes(self, waited);
  send_claims(self);
  if (!s.stop_waiting.empty())
    wind_up(self);
  else if (const auto timeout = s.next_timeout();
           timeout && *timeout < s.armed_for)
    arm_next(self);
}

/// First of all, what workers that are gone have left behind.
void reclaim(self_ptr self) {
  auto& s = self->state;
  if (s.stopping)
    return;
  auto lost = s.plan_lost(s.context.clock());
  if (lost.empty()) {
    s.reclaimed = true;
    s.sweep();
    finish_pass(s);
    pump(self);
    return;
  }
  s.report.found += std::ssize(lost.released);
  const auto moved = std::ssize(lost.moves);
  send_changes(self, std::move(lost), [=](const commit_reply&) {
    self->state.report.changed += moved;
    reclaim(self);
  });
}

void on_timer(self_ptr self) {
  auto& s = self->state;
  const auto now = s.context.clock();
  s.time_out(now);
  if (now >= s.next_upkeep) {
    s.next_upkeep = now
                    + std::min(s.context.opts.lease_time / 3,
                               s.context.opts.sweep_interval);
    auto extensions = s.plan_extensions(now);
    if (!extensions.empty())
      send_changes(self, std::move(extensions), [](const commit_reply&) {});
    reclaim(self);
  }
  arm_next(self);
}

executor_actor::behavior_type executor(self_ptr self, role_context context,
                                       handler_map handlers) {
  auto& state = self->state;
  tell_of_trouble(self);
  state.init(std::move(context), std::move(handlers));
  state.box->wake(self);
  if (state.context.opts.automatic)
    self->send(self, tick{++state.timer});
  return {
    [=](const committed& fact) {
      self->state.hear(fact);
      if (self->state.context.opts.automatic)
        pump(self);
    },
    [=](const storage_state& news) {
      self->state.writable = news.writable;
      self->state.stopping |= news.lost;
      if (self->state.context.opts.automatic)
        pump(self);
    },
    [=](tick t) {
      if (t == patience_over) {
        self->state.out_of_patience = true;
        wind_up(self);
      } else if (t == gathered) {
        self->state.gathering = false;
        pump(self, true);
      } else if (t.generation == self->state.timer)
        on_timer(self);
    },
    [=](pass_request) -> caf::result<pass_report> {
      auto promise = self->make_response_promise<pass_report>();
      self->state.waiting.push_back(promise);
      reclaim(self);
      return promise;
    },
    [=](const stop_request& wish) -> caf::result<stopped> {
      auto& s = self->state;
      auto promise = self->make_response_promise<stopped>();
      s.stop_waiting.push_back(promise);
      s.out_of_patience |= wish.patience.count() == 0;
      withdraw_waiting(self);
      wind_up(self);
      self->delayed_send(self, wish.patience, patience_over);
      return promise;
    },
    [=](outcomes_ready) { pump(self); },
  };
}

} // namespace

std::shared_ptr<outcome_sink> make_outbox() {
  return std::make_shared<outbox>();
}

executor_actor spawn_executor(caf::actor_system& sys, role_context context,
                              handler_map handlers) {
  return sys.spawn(executor, std::move(context), std::move(handlers));
}

} // namespace conductor
