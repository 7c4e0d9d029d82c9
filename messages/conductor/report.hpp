#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <conductor/records.hpp>

/// What the monitor says. Numbers are of the moment of reading.
namespace conductor {

enum class health : std::uint8_t { healthy, warning, critical };

/// "HEALTHY", "WARNING" or "CRITICAL".
const char* to_string(health h);

/// One reason for a health that is not HEALTHY, and what to do about it.
struct health_reason {
  health level = health::warning;
  std::string what;
  std::string advice;

  CONDUCTOR_MESSAGE(health_reason, x.level, x.what, x.advice)
};

/// Tasks that fail again and again with the same error.
struct retry_storm {
  std::string type;
  std::string message;    ///< normalised
  std::string task;       ///< name of the task that was retried most often
  std::string run_id;     ///< its run
  std::int64_t tasks = 0; ///< that wait for a retry
  std::int32_t most_retries = 0; ///< of `task`
  bool at_least = false;         ///< not all tasks that wait were looked at

  CONDUCTOR_MESSAGE(retry_storm, x.type, x.message, x.task, x.run_id, x.tasks,
                    x.most_retries, x.at_least)
};

struct health_report {
  timestamp at{};
  health status = health::healthy;
  std::vector<health_reason> reasons;
  state_counts tasks; ///< leaves of all runs
  std::int64_t runs_open = 0;
  std::vector<task_record> stuck; ///< at most 100
  double failure_rate = 0;        ///< failed / settled attempts in the window
  std::int64_t attempts_in_window = 0;
  milliseconds oldest_due{0}; ///< how long the oldest due leaf has waited
  std::vector<retry_storm> storms;
  double commit_p99_seconds = 0;   ///< of the engine that runs; 0 = unknown
  std::int64_t subscriber_lag = 0; ///< events, of the slowest subscriber
  std::int64_t engine_pid = 0;     ///< 0: no engine runs
  std::int64_t database_bytes = 0, wal_bytes = 0, disk_free_bytes = 0;

  CONDUCTOR_MESSAGE(health_report, x.at, x.status, x.reasons, x.tasks,
                    x.runs_open, x.stuck, x.failure_rate, x.attempts_in_window,
                    x.oldest_due, x.storms, x.commit_p99_seconds,
                    x.subscriber_lag, x.engine_pid, x.database_bytes,
                    x.wal_bytes, x.disk_free_bytes)
};

/// Failures that say the same once numbers and ids are left out.
struct failure_group {
  std::string type;
  std::string message; ///< normalised
  std::string example; ///< as it was
  std::string task;    ///< name of one task
  std::int64_t count = 0;
  timestamp first{}, last{}; ///< when the first and the last of them failed

  CONDUCTOR_MESSAGE(failure_group, x.type, x.message, x.example, x.task,
                    x.count, x.first, x.last)
};

/// Passes of one kind of actor over a run.
struct pass_count {
  std::string actor; ///< "fanout", "aggregate", "retry"
  std::int64_t passes = 0;

  CONDUCTOR_MESSAGE(pass_count, x.actor, x.passes)
};

struct handler_count {
  std::string handler;
  state_counts tasks;

  CONDUCTOR_MESSAGE(handler_count, x.handler, x.tasks)
};

struct retry_metrics {
  std::int64_t retried = 0;           ///< tasks tried more than once
  std::int64_t retried_succeeded = 0; ///< of those, succeeded in the end
  std::int64_t retried_settled = 0;   ///< of those, settled
  std::int64_t exhausted = 0;         ///< tasks FAILED for good
  std::int64_t attempts = 0;          ///< of all settled leaves
  std::int64_t settled = 0;           ///< leaves

  double success_rate() const {
    return retried_settled == 0 ? 0.0
                                : static_cast<double>(retried_succeeded)
                                    / static_cast<double>(retried_settled);
  }
  double average_attempts() const {
    return settled == 0
             ? 0.0
             : static_cast<double>(attempts) / static_cast<double>(settled);
  }
  CONDUCTOR_MESSAGE(retry_metrics, x.retried, x.retried_succeeded,
                    x.retried_settled, x.exhausted, x.attempts, x.settled)
};

struct run_summary {
  run_record run;
  timestamp at{};           ///< when it was read
  milliseconds duration{0}; ///< until then if it has not ended
  state_counts tasks;       ///< leaves
  std::vector<handler_count> handlers;
  /// The first thousand, those that failed or have not ended before others.
  std::vector<task_record> parents;
  std::vector<parent_record> fanouts; ///< of `parents`, same order
  std::int64_t parents_total = 0;
  std::vector<task_record> running;    ///< top-level leaves, at most 100
  std::vector<task_record> stuck;      ///< RUNNING for too long, at most 100
  std::vector<task_record> slowest;    ///< settled leaves, longest first
  std::vector<failure_group> failures; ///< for good, most frequent first
  std::vector<failure_group> to_retry; ///< tasks that wait for a retry
  std::vector<pass_count> passes;
  retry_metrics retries;
  timestamp last_settled{}; ///< of an open run: of its leaves; none if none
  milliseconds stuck_after{0};

  CONDUCTOR_MESSAGE(run_summary, x.run, x.at, x.duration, x.tasks, x.handlers,
                    x.parents, x.fanouts, x.parents_total, x.running, x.stuck,
                    x.slowest, x.failures, x.to_retry, x.passes, x.retries,
                    x.last_settled, x.stuck_after)
};

} // namespace conductor
