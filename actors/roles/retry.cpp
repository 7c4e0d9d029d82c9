#include <conductor/roles.hpp>

#include "actors/roles/pass.hpp"
#include "actors/rules/retry_rules.hpp"

namespace conductor {

namespace {

constexpr std::size_t max_groups_per_change_set = 1000;

struct retry_actor_state : role_state {
  timestamp armed_for{}; ///< none if no timer runs

  const char* name = "retry";
};

using self_ptr = role_actor::stateful_pointer<retry_actor_state>;

/// One timer for all retries: it is set to the soonest.
void wait_for_next(self_ptr self, timestamp now) {
  auto& s = self->state;
  const auto next = s.reader->next_retry_at();
  const auto sweep = now + s.context.opts.sweep_interval;
  s.armed_for = next ? std::min(*next, sweep) : sweep;
  arm(self, std::max(milliseconds{0}, s.armed_for - now));
}

void pump(self_ptr self) {
  auto& s = self->state;
  if (s.busy || s.stopping)
    return;
  const auto now = s.context.clock();
  const auto waiting = s.reader->groups({.of = group_query::kind::retries_due,
                                         .now = now,
                                         .limit = max_groups_per_change_set});
  if (waiting.empty()) {
    finish_pass(s);
    wait_for_next(self, now);
    return;
  }
  change_set plan;
  plan.add(pass_events{pass_events::kind::retry});
  for (const auto& group : waiting) {
    plan.add(rules::plan_retry(group));
    s.report.found += group.tasks.count;
  }
  submit_changes(self, std::move(plan), [=](const commit_reply& reply) {
    self->state.report.changed += reply.tasks_changed;
    pump(self);
  });
}

void hear(self_ptr self, const committed& fact) {
  auto& s = self->state;
  if (!s.context.opts.automatic || s.busy)
    return;
  for (const auto& m : fact.moves)
    if (m.to == task_state::retrying && m.due < s.armed_for) {
      pump(self);
      return;
    }
}

role_actor::behavior_type retry(self_ptr self, role_context context) {
  tell_of_trouble(self);
  self->state.context = std::move(context);
  self->state.reader = self->state.context.open_reader();
  if (self->state.context.opts.automatic)
    self->send(self, tick{++self->state.timer});
  return {
    [=](const committed& fact) { hear(self, fact); },
    [=](const storage_state&) {},
    [=](tick t) {
      if (t.generation == self->state.timer)
        pump(self);
    },
    [=](pass_request) -> caf::result<pass_report> {
      auto promise = self->make_response_promise<pass_report>();
      self->state.waiting.push_back(promise);
      pump(self);
      return promise;
    },
    [=](stop_request) {
      self->state.stopping = true;
      finish_pass(self->state);
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

role_actor spawn_retry(caf::actor_system& sys, role_context context) {
  return sys.spawn(retry, std::move(context));
}

} // namespace conductor
