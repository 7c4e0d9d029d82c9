#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <conductor/contracts.hpp>
#include <conductor/monitor.hpp>
#include <conductor/roles.hpp>
#include <conductor/store.hpp>

/// The test coordinator: drives an engine step by step, with a clock of its
/// own. It ships with the library, so that embedders can test their workflows
/// with it: every step is a message, nothing happens in between.
namespace conductor {

/// Submits a run.
struct submit_step {
  run_spec spec;
  CONDUCTOR_MESSAGE(submit_step, x.spec)
};

enum class role : std::uint8_t { fanout, retry, aggregate, executor, monitor };

/// One pass of one actor.
struct run_step {
  conductor::role actor = role::fanout;
  CONDUCTOR_MESSAGE(run_step, x.actor)
};

/// Leases a due leaf and settles it by hand.
struct settle_step {
  std::string run_id;
  std::string task; ///< by name, e.g. "resize#2"
  bool succeed = true;
  std::string text; ///< output (JSON), or the message of the failure
  CONDUCTOR_MESSAGE(settle_step, x.run_id, x.task, x.succeed, x.text)
};

/// Moves the virtual clock.
struct advance_step {
  milliseconds by{0};
  CONDUCTOR_MESSAGE(advance_step, x.by)
};

/// Answers once an event of this name has been committed for the run.
struct wait_step {
  std::string run_id;
  std::string event; ///< e.g. "run.aggregated"
  CONDUCTOR_MESSAGE(wait_step, x.run_id, x.event)
};

/// Asks how a task or a run stands.
struct task_request {
  std::string run_id, task;
  CONDUCTOR_MESSAGE(task_request, x.run_id, x.task)
};
struct run_request {
  std::string run_id;
  CONDUCTOR_MESSAGE(run_request, x.run_id)
};

/// What a step came to.
struct step_result {
  error failed; ///< not found, or not allowed in this state
  submitted_run run;
  pass_report pass;
  task_record task; ///< of a settle step or a task query
  run_record state; ///< of a run query
  CONDUCTOR_MESSAGE(step_result, x.failed, x.run, x.pass, x.task, x.state)
};

using coordinator_actor
  = fact_listener::extend<caf::replies_to<submit_step>::with<step_result>,
                          caf::replies_to<run_step>::with<step_result>,
                          caf::replies_to<settle_step>::with<step_result>,
                          caf::replies_to<advance_step>::with<step_result>,
                          caf::replies_to<wait_step>::with<step_result>,
                          caf::replies_to<task_request>::with<step_result>,
                          caf::replies_to<run_request>::with<step_result>,
                          caf::replies_to<stop_request>::with<stopped>>::
    extend<caf::replies_to<health_request>::with<health_report>,
           caf::replies_to<run_summary_request>::with<run_summary>,
           caf::replies_to<retry_metrics_request>::with<retry_metrics>>;

/// Spawns a coordinator with an engine of its own on `db`: all role actors,
/// none of which moves by itself. `start` is where the virtual clock begins.
/// `detached`: the persistence actor gets a thread (programs); false keeps
/// everything under CAF's test scheduler.
coordinator_actor spawn_coordinator(caf::actor_system& sys,
                                    std::shared_ptr<store> db,
                                    const options& opts, timestamp start,
                                    handler_map handlers = {},
                                    bool detached = true);

} // namespace conductor

// clang-format off
CAF_BEGIN_TYPE_ID_BLOCK(conductor_coordinator, caf::id_block::conductor::end)
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::submit_step))
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::run_step))
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::settle_step))
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::advance_step))
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::wait_step))
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::task_request))
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::run_request))
  CAF_ADD_TYPE_ID(conductor_coordinator, (conductor::step_result))
CAF_END_TYPE_ID_BLOCK(conductor_coordinator)
// clang-format on
