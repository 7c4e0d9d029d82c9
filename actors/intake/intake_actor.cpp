#include <caf/all.hpp>

#include <conductor/submission.hpp>

#include "actors/engine/wiring.hpp"
#include "actors/intake/control.hpp"
#include "actors/intake/manual_retry.hpp"
#include "actors/roles/role.hpp"

namespace conductor {

namespace {

struct intake_state {
  std::shared_ptr<engine_core> core;
  persistence_actor writer;

  commit_reply commit(change_set changes) const {
    return commit_and_wait(writer, std::move(changes));
  }

  const char* name = "intake";
};

using self_ptr = intake_actor::stateful_pointer<intake_state>;

caf::result<submitted_run> submit(const intake_state& s, const run_spec& spec) {
  auto run = submit_run(
    spec, s.core->definitions(),
    [&](change_set changes) { return s.commit(std::move(changes)); },
    s.core->expand_up_to());
  if (!run)
    return to_caf(run.error());
  return std::move(*run);
}

result<retry_reply> retry(const intake_state& s,
                          const manual_retry_request& request) {
  const auto reader = s.core->open_reader();
  const auto run = reader->find_run(request.run_id);
  if (!run)
    return fail(errc::not_found, "no run " + request.run_id);
  auto plan = plan_manual_retry(*reader, *run,
                                {.states = request.which.states,
                                 .name = request.which.name,
                                 .error = request.which.error});
  if (!plan)
    return tl::unexpected(std::move(plan.error()));
  if (request.dry_run)
    return retry_reply{plan->leaves, plan->dependents};
  const auto reply = s.commit(std::move(plan->changes));
  if (reply.failed)
    return tl::unexpected(reply.failed);
  return retry_reply{plan->reopened(reply), plan->dependents};
}

caf::result<retry_reply> on_retry(const intake_state& s,
                                  const manual_retry_request& request) {
  try {
    const auto retried = retry(s, request);
    if (!retried)
      return to_caf(retried.error());
    return *retried;
  } catch (const store_error& e) {
    return to_caf(e.why());
  }
}

caf::result<change_reply> apply(const intake_state& s,
                                result<planned_change> plan) {
  if (!plan)
    return to_caf(plan.error());
  if (plan->changes.empty())
    return plan->reply;
  const auto reply = s.commit(std::move(plan->changes));
  if (reply.failed)
    return to_caf(reply.failed);
  if (!reply.refusals.empty())
    return to_caf({errc::conflict, "it has settled meanwhile"});
  return plan->reply;
}

template <class Change>
caf::result<change_reply> on_change(const intake_state& s,
                                    const Change& asked) {
  try {
    const auto reader = s.core->open_reader();
    if constexpr (std::is_same_v<Change, run_change>)
      return apply(s, plan_change(*reader, asked, s.core->clock()));
    else
      return apply(s, plan_change(*reader, asked));
  } catch (const store_error& e) {
    return to_caf(e.why());
  }
}

/// Once the engine stops, what waits in the mailbox is not begun.
caf::error stopped_error() {
  return to_caf({errc::stopped, "the engine has stopped"});
}

intake_actor::behavior_type intake(self_ptr self,
                                   std::shared_ptr<engine_core> core,
                                   persistence_actor writer) {
  end_on_exception(self, reason_of);
  self->state.core = std::move(core);
  self->state.writer = std::move(writer);
  return {
    [=](const submit_request& request) -> caf::result<submitted_run> {
      if (self->state.core->stopping)
        return stopped_error();
      return submit(self->state, request.spec);
    },
    [=](const manual_retry_request& request) -> caf::result<retry_reply> {
      if (self->state.core->stopping)
        return stopped_error();
      return on_retry(self->state, request);
    },
    [=](const run_change& asked) -> caf::result<change_reply> {
      if (self->state.core->stopping)
        return stopped_error();
      return on_change(self->state, asked);
    },
    [=](const task_change& asked) -> caf::result<change_reply> {
      if (self->state.core->stopping)
        return stopped_error();
      return on_change(self->state, asked);
    },
    [=](stop_request) {
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

intake_actor spawn_intake(caf::actor_system& sys, placement where,
                          std::shared_ptr<engine_core> core,
                          persistence_actor writer) {
  return spawn_at(sys, where, intake, std::move(core), std::move(writer));
}

} // namespace conductor
