#include <conductor/event.hpp>

#include <array>
#include <utility>

namespace conductor {

namespace {

using enum event_kind;

constexpr std::array names{
  std::pair{run_created, "run.created"},
  std::pair{run_started, "run.started"},
  std::pair{run_aggregated, "run.aggregated"},
  std::pair{run_cancelled, "run.cancelled"},
  std::pair{run_reopened, "run.reopened"},
  std::pair{run_paused, "run.paused"},
  std::pair{run_unpaused, "run.unpaused"},
  std::pair{run_updated, "run.updated"},
  std::pair{task_created, "task.created"},
  std::pair{task_started, "task.started"},
  std::pair{task_succeeded, "task.succeeded"},
  std::pair{task_failed, "task.failed"},
  std::pair{task_retried, "task.retried"},
  std::pair{task_retries_exhausted, "task.retries_exhausted"},
  std::pair{task_cancelled, "task.cancelled"},
  std::pair{task_aggregated, "task.aggregated"},
  std::pair{task_stuck, "task.stuck"},
  std::pair{task_lease_expired, "task.lease_expired"},
  std::pair{task_late_result, "task.late_result"},
  std::pair{task_updated, "task.updated"},
  std::pair{fanout_started, "worker.fanout.started"},
  std::pair{fanout_detected, "worker.fanout.detected"},
  std::pair{fanout_completed, "worker.fanout.completed"},
  std::pair{fanout_skipped, "worker.fanout.skipped"},
  std::pair{fanout_finished, "worker.fanout.finished"},
  std::pair{aggregate_started, "worker.aggregate.started"},
  std::pair{aggregate_finished, "worker.aggregate.finished"},
  std::pair{retry_started, "worker.retry.started"},
  std::pair{retry_finished, "worker.retry.finished"},
  std::pair{health_changed, "health.changed"},
};

} // namespace

const char* to_string(event_kind kind) {
  for (const auto& [k, name] : names)
    if (k == kind)
      return name;
  return "";
}

std::optional<event_kind> parse_event_kind(std::string_view name) {
  for (const auto& [k, n] : names)
    if (name == n)
      return k;
  return std::nullopt;
}

} // namespace conductor
