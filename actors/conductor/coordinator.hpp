#pragma once

#include <map>
#include <memory>
#include <string>

#include <conductor/actors.hpp>
#include <conductor/handler.hpp>
#include <conductor/monitor.hpp>
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

/// The actors that can be asked for a pass.
enum class role : std::uint8_t { fanout, retry, aggregate, executor, monitor };

/// One pass of one actor.
struct run_step {
  role actor = role::fanout;
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

using coordinator_actor = extended_interface<
  fact_listener, step_result(submit_step), step_result(run_step),
  step_result(settle_step), step_result(advance_step), step_result(wait_step),
  step_result(task_request), step_result(run_request),
  health_report(health_request), run_summary(run_summary_request),
  retry_metrics(retry_metrics_request), stopped(stop_request),
  void(stop_overdue)>;

/// Spawns a coordinator with an engine of its own on `db`: all its actors, none
/// of which moves by itself. `start` is where the virtual clock begins, after
/// the epoch. Stop it with a `stop_request`; it also stops when one of its
/// actors ends.
coordinator_actor
spawn_coordinator(caf::actor_system& sys, std::shared_ptr<store> db,
                  const options& opts, timestamp start,
                  std::map<std::string, std::shared_ptr<handler>> handlers
                  = {});

} // namespace conductor

// clang-format off
CAF_BEGIN_TYPE_ID_BLOCK(conductor_coordinator, caf::id_block::conductor_engine::end)
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
