#include "actors/roles/role.hpp"
#include "actors/rules/retry_rules.hpp"

namespace conductor {

namespace {

constexpr std::size_t max_groups_per_change_set = 1000;

constexpr std::int64_t max_releases_per_change_set = 1000;

/// What waits for a time: retries, tasks with a `not_before`, and deadlines.
struct retry_role : role_state {
  bool look = false;     ///< in the table, for what is due
  timestamp armed_for{}; ///< none before the first look

  void sweep() { look = true; }
  void on_fact(const committed& fact) {
    look |= !fact.updated.empty()
            || (fact.waits_until != no_time && fact.waits_until < armed_for);
    for (const auto& m : fact.moves)
      look |= m.to == task_state::retrying && m.due < armed_for;
  }

  const char* name = "retry";
};

using self_ptr = role_pointer<retry_role>;

/// One timer for all: it is set to the soonest.
void wait_for_next(self_ptr self, timestamp now) {
  auto& s = self->state;
  const auto next = s.reader->next_due_at();
  const auto sweep = now + s.context.opts.sweep_interval;
  s.look = false;
  s.armed_for = next ? std::min(*next, sweep) : sweep;
  arm(self, std::max(milliseconds{0}, s.armed_for - now));
}

void add_retries(retry_role& s, timestamp now, change_set& plan) {
  const auto waiting = s.reader->groups({.of = group_query::kind::retries_due,
                                         .now = now,
                                         .limit = max_groups_per_change_set});
  if (!waiting.empty())
    plan.add(pass_events{pass_events::kind::retry});
  for (const auto& group : waiting) {
    plan.add(rules::plan_retry(group));
    s.report.found += group.tasks.count;
  }
}

void add_deadlines(retry_role& s, timestamp now, change_set& plan) {
  for (const auto& run : s.reader->runs({.open = true,
                         .deadline_by = now,
                         .limit = max_groups_per_change_set})) {
    plan.add(update_run{.run = run.key, .fence = fence::deadline});
    ++s.report.found;
  }
}

void pump(self_ptr self) {
  auto& s = self->state;
  if (s.busy || s.stopping || !s.look)
    return;
  const auto now = s.context.clock();
  const auto next = s.reader->next_due_at();
  change_set plan;
  if (next && *next <= now) {
    add_retries(s, now, plan);
    add_deadlines(s, now, plan);
    plan.add(release_tasks{max_releases_per_change_set});
  }
  if (plan.empty()) {
    finish_pass(s);
    wait_for_next(self, now);
    return;
  }
  submit_changes(self, std::move(plan), [=](const commit_reply& reply) {
    auto& state = self->state;
    const auto changed = reply.tasks_changed + reply.runs_changed;
    state.report.changed += changed;
    if (changed == 0) { // it is not as the tables said: the next sweep looks
      state.look = false;
      finish_pass(state);
    }
    pump(self);
  });
}

} // namespace

role_actor spawn_retry(caf::actor_system& sys, placement where,
                       role_context context) {
  return spawn_at(sys, where, make_role<retry_role>, std::move(context));
}

} // namespace conductor
