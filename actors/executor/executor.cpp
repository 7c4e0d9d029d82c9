#include <conductor/event_payload.hpp>

#include "actors/executor/executor_state.hpp"

namespace conductor {

namespace {

using self_ptr = executor_actor::stateful_pointer<executor_state>;

// Credit: change sets under way at once. Two claims keep the handlers busy
// while one is being committed; outcomes gather meanwhile.
constexpr int max_claims = 2;
constexpr int max_outcomes = 2;

/// How long a stop waits for a writer that takes no writes.
constexpr std::chrono::seconds longest_farewell{2};

void pump(self_ptr self, bool waited = false);

/// Releases attempts that will not begin.
void send_releases(self_ptr self, change_set changes) {
  auto& s = self->state;
  if (changes.empty())
    return;
  ++s.outcomes;
  send_changes(self, std::move(changes), [self](const commit_reply&) {
    --self->state.outcomes;
    pump(self);
  });
}

/// An engine that stops begins nothing any more.
void withdraw_all(self_ptr self) {
  auto& s = self->state;
  if (!s.stopping && s.writable)
    send_releases(self, s.withdraw_all());
}

void take_grants(self_ptr self, const executor_state::asked_rooms& asked,
                 const commit_reply& reply) {
  auto& s = self->state;
  --s.claims;
  s.answer(asked, reply);
  if (s.stop_waiting.empty())
    s.start(reply);
  else
    send_releases(
      self, executor_state::plan_releases(reply.granted, reason::stopped));
  pump(self);
}

void send_claims(self_ptr self) {
  auto& s = self->state;
  while (s.reclaimed && !s.stopping && s.stop_waiting.empty() && s.writable
         && s.claims < max_claims) {
    auto asked = s.ask();
    if (asked.empty())
      return;
    ++s.claims;
    auto changes = executor_state::plan_claim(asked);
    send_changes(self, std::move(changes),
                 [self, asked = std::move(asked)](const commit_reply& reply) {
                   take_grants(self, asked, reply);
                 });
  }
}

void send_outcomes(self_ptr self, bool waited) {
  auto& s = self->state;
  if (s.outcomes >= max_outcomes)
    return;
  auto changes = s.plan_outcomes(waited);
  if (changes.empty()) {
    if (!s.box->empty() && !std::exchange(s.gathering, true))
      send_later(self, s.context.opts.gather_time, outcomes_gathered{});
    return;
  }
  ++s.outcomes;
  send_changes(self, std::move(changes), [self](const commit_reply& reply) {
    auto& state = self->state;
    --state.outcomes;
    state.count_late(reply.refusals);
    pump(self);
  });
}

bool at_rest(const executor_state& s) {
  return s.unsettled() == 0 && s.claims == 0 && s.outcomes == 0;
}

void end(self_ptr self) {
  auto& s = self->state;
  for (const auto& reply : std::exchange(s.stop_waiting, {}))
    reply.deliver(stopped{s.unsettled()});
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
  ask_within(self, s.context.writer, longest_farewell, s.plan_give_back())
    .then([self](const commit_reply&) { end(self); },
          [self](const caf::error&) { end(self); });
}

/// Ends when all attempts have ended or the patience of a stop is over. If
/// nothing can be written, the next engine takes the leases over.
void wind_up(self_ptr self) {
  auto& s = self->state;
  if (at_rest(s) || (s.out_of_patience && (s.stopping || !s.writable)))
    end(self);
  else if (s.out_of_patience && s.claims == 0 && s.outcomes == 0)
    give_back(self);
}

/// The timer serves timeouts, attempts that wait, and the sweep.
void arm_next(self_ptr self) {
  auto& s = self->state;
  s.armed_for = s.next_sweep;
  if (const auto check = s.next_check())
    s.armed_for = std::min(s.armed_for, *check);
  arm(self, std::max(milliseconds{1}, s.armed_for - s.context.clock()));
}

void pump(self_ptr self, bool waited) {
  auto& s = self->state;
  if (!s.giving_back)
    send_outcomes(self, waited);
  send_claims(self);
  if (!s.stop_waiting.empty())
    wind_up(self);
  else if (const auto check = s.next_check(); check && *check < s.armed_for)
    arm_next(self);
}

/// First of all, what engines that are gone have left behind.
void reclaim(self_ptr self, task_key after = 0) {
  auto& s = self->state;
  if (s.stopping)
    return;
  auto lost = s.plan_lost(after);
  if (lost.empty()) {
    s.reclaimed = true;
    s.hear_news();
    finish_pass(s);
    pump(self);
    return;
  }
  send_changes(self, std::move(lost), [=](const commit_reply& reply) {
    self->state.report.changed += reply.tasks_changed;
    reclaim(self, after);
  });
}

void on_timer(self_ptr self) {
  auto& s = self->state;
  const auto now = s.context.clock();
  s.time_out(now);
  if (const auto check = s.next_check(); check && *check <= now)
    send_releases(self, s.withdraw_overdue());
  if (now >= s.next_sweep) {
    s.next_sweep = now + s.context.opts.sweep_interval;
    reclaim(self);
  }
  arm_next(self);
}

executor_actor::behavior_type executor(self_ptr self, role_context context,
                                       handler_map handlers) {
  auto& state = self->state;
  end_on_failure(self);
  state.init(std::move(context), std::move(handlers));
  state.box->wake(self);
  return {
    [=](const shared_fact& fact) {
      self->state.hear(*fact);
      pump(self);
    },
    [=](sweep_tick tick) {
      self->state.ticking = true;
      if (tick.generation == self->state.timer)
        on_timer(self);
    },
    [=](pass_request) -> caf::result<pass_report> {
      owed_reply<pass_report> reply{self};
      self->state.waiting.push_back(reply);
      reclaim(self);
      return reply.later();
    },
    [=](const stop_request& request) -> caf::result<stopped> {
      auto& s = self->state;
      owed_reply<stopped> reply{self};
      s.stop_waiting.push_back(reply);
      s.out_of_patience |= request.patience.count() == 0;
      withdraw_all(self);
      wind_up(self);
      send_later(self, request.patience, patience_over{});
      return reply.later();
    },
    [=](const storage_state& storage) {
      self->state.writable = storage.writable;
      self->state.stopping |= storage.lost;
      pump(self);
    },
    [=](outcomes_ready) { pump(self); },
    [=](outcomes_gathered) {
      self->state.gathering = false;
      pump(self, true);
    },
    [=](patience_over) {
      self->state.out_of_patience = true;
      wind_up(self);
    },
  };
}

} // namespace

std::shared_ptr<outcome_queue> make_outcome_queue() {
  return std::make_shared<outcome_queue>();
}

executor_actor spawn_executor(caf::actor_system& sys, placement where,
                              role_context context, handler_map handlers) {
  return spawn_at(sys, where, executor, std::move(context),
                  std::move(handlers));
}

} // namespace conductor
