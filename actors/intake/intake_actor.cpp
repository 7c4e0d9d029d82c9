#include <caf/all.hpp>

#include <conductor/submission.hpp>

#include "actors/engine/wiring.hpp"
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

result<std::int64_t> retry(const intake_state& s,
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
  const auto reply = s.commit(std::move(plan->changes));
  if (reply.failed)
    return tl::unexpected(reply.failed);
  return plan->reopened(reply);
}

caf::result<manual_retry_reply> on_retry(const intake_state& s,
                                         const manual_retry_request& request) {
  try {
    const auto leaves = retry(s, request);
    if (!leaves)
      return to_caf(leaves.error());
    return manual_retry_reply{*leaves};
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
    [=](
      const manual_retry_request& request) -> caf::result<manual_retry_reply> {
      if (self->state.core->stopping)
        return stopped_error();
      return on_retry(self->state, request);
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
