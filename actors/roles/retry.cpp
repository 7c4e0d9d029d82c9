#include "actors/roles/role.hpp"
#include "actors/rules/retry_rules.hpp"

namespace conductor {

namespace {

constexpr std::size_t max_groups_per_change_set = 1000;

struct retry_role : role_state {
  bool look = false;     ///< in the table, for retries that are due
  timestamp armed_for{}; ///< none before the first look

  void sweep() { look = true; }
  void on_fact(const committed& fact) {
    for (const auto& m : fact.moves)
      look |= m.to == task_state::retrying && m.due < armed_for;
  }

  const char* name = "retry";
};

using self_ptr = role_pointer<retry_role>;

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
  if (s.busy || s.stopping || !s.look)
    return;
  const auto now = s.context.clock();
  const auto waiting = s.reader->groups({.of = group_query::kind::retries_due,
                                         .now = now,
                                         .limit = max_groups_per_change_set});
  if (waiting.empty()) {
    s.look = false;
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

} // namespace

role_actor spawn_retry(caf::actor_system& sys, placement where,
                       role_context context) {
  return spawn_at(sys, where, make_role<retry_role>, std::move(context));
}

} // namespace conductor
