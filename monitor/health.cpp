#include <conductor/monitor.hpp>

#include <algorithm>

namespace conductor {

namespace {

std::string percent(double share) {
  return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%";
}

/// "5m 3s": to the second once it is longer than one.
std::string rough(milliseconds d) {
  using namespace std::chrono;
  if (d < 1s)
    return to_text(d);
  const auto s = duration_cast<seconds>(d);
  const auto large = s < 1h ? floor<minutes>(s) : floor<hours>(s);
  const auto rest = s < 1h ? s - large : floor<minutes>(s - large);
  return large == 0s  ? to_text(s)
         : rest == 0s ? to_text(large)
                      : to_text(large) + " " + to_text(rest);
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

void judge_stuck(const observations& seen, health_report& report) {
  if (seen.stuck.empty())
    return;
  const auto& first = seen.stuck.front();
  report.reasons.push_back(
    {health::warning,
     std::to_string(seen.stuck.size())
       + " task(s) RUNNING for too long, the "
         "first one for "
       + rough(seen.at - first.started_at) + ": " + first.name + " (" + first.id
       + ")",
     "see `orcon task show " + first.id
       + "`; give the task a `timeout` so that it ends by itself"});
}

std::string cause_of(const observations& seen) {
  const auto& cause = seen.cause;
  if (cause.count == 0)
    return {};
  return ", " + std::to_string(cause.count) + " of the last "
         + std::to_string(seen.looked_at) + " with " + cause.type + ": "
         + cause.message;
}

void judge_failures(const observations& seen, const health_thresholds& limits,
                    health_report& report) {
  const auto attempts = seen.failed_attempts + seen.succeeded_attempts;
  report.attempts_in_window = attempts;
  if (attempts > 0)
    report.failure_rate = static_cast<double>(seen.failed_attempts)
                          / static_cast<double>(attempts);
  if (attempts < limits.least_attempts
      || report.failure_rate < limits.warning_failure_rate)
    return;
  report.reasons.push_back(
    {report.failure_rate >= limits.critical_failure_rate ? health::critical
                                                         : health::warning,
     percent(report.failure_rate) + " of the attempts of the last "
       + to_text(limits.window) + " failed ("
       + std::to_string(seen.failed_attempts) + " of "
       + std::to_string(attempts) + ")" + cause_of(seen),
     std::string{"see `orcon task failures"}
       + (seen.cause_run.empty() ? "" : " ") + seen.cause_run + "`"});
}

void judge_storage(const observations& seen, const health_thresholds& limits,
                   health_report& report) {
  if (seen.wal_bytes > limits.warning_wal_bytes)
    report.reasons.push_back(
      {health::warning,
       "the write-ahead log has grown to "
         + megabytes(static_cast<std::uint64_t>(seen.wal_bytes)),
       "a program keeps reading the database for long; end it"});
  if (seen.disk_free_bytes < limits.warning_disk_bytes)
    report.reasons.push_back(
      {seen.disk_free_bytes < limits.critical_disk_bytes ? health::critical
                                                         : health::warning,
       "only " + megabytes(seen.disk_free_bytes) + " left on the disk",
       "free some space"});
}

void judge_retries(const observations& seen, const health_thresholds& limits,
                   health_report& report) {
  for (const auto& storm : seen.storms) {
    if (storm.tasks < limits.storm_tasks
        && storm.most_retries < limits.storm_retries)
      continue;
    report.storms.push_back(storm);
    report.reasons.push_back(
      {health::warning,
       std::string{"retry storm: "} + (storm.at_least ? "at least " : "")
         + std::to_string(storm.tasks) + " task(s) keep failing with "
         + storm.type + ": " + storm.message + " (" + storm.task
         + " has been retried " + std::to_string(storm.most_retries)
         + " times)",
       "see `orcon task failures " + storm.run_id
         + "`; what cannot succeed belongs into `non_retryable`, what needs "
           "time needs a longer `delay`"});
  }
}

void judge_engine(const observations& seen, const health_thresholds& limits,
                  health_report& report) {
  if (!seen.engine_runs) {
    if (seen.runs_open > 0)
      report.reasons.push_back({health::warning,
                                std::to_string(seen.runs_open)
                                  + " run(s) are open and no engine works "
                                    "on them",
                                "start one with `orcon resume`"});
    return;
  }
  report.engine_pid = seen.engine.pid;
  report.commit_p99_seconds = seen.commit_p99_seconds;
  report.subscriber_lag = seen.subscriber_lag;
  if (seen.commit_p99_seconds > limits.warning_commit_seconds)
    report.reasons.push_back(
      {health::warning,
       "one commit in a hundred takes longer than "
         + to_text(milliseconds{
           static_cast<std::int64_t>(seen.commit_p99_seconds * 1000)}),
       "the disk is slow or shared; move the database to a faster one"});
  if (seen.subscriber_lag > limits.warning_lag)
    report.reasons.push_back(
      {health::warning,
       "a subscriber is " + std::to_string(seen.subscriber_lag)
         + " events behind",
       "it takes them more slowly than they come; nothing is lost"});
}

} // namespace

const char* to_string(health h) {
  switch (h) {
  case health::healthy: return "HEALTHY";
  case health::warning: return "WARNING";
  case health::critical: return "CRITICAL";
  }
  return "?";
}

health_report assess_health(const observations& seen,
                            const health_thresholds& limits) {
  health_report report;
  report.at = seen.at;
  report.tasks = seen.tasks;
  report.runs_open = seen.runs_open;
  report.stuck = seen.stuck;
  report.oldest_due = seen.oldest_due;
  report.database_bytes = seen.database_bytes;
  report.wal_bytes = seen.wal_bytes;
  report.disk_free_bytes = static_cast<std::int64_t>(
    std::min(seen.disk_free_bytes, static_cast<std::uint64_t>(INT64_MAX)));
  judge_stuck(seen, report);
  judge_failures(seen, limits, report);
  judge_retries(seen, limits, report);
  judge_engine(seen, limits, report);
  if (seen.engine_runs && seen.oldest_due > limits.warning_due)
    report.reasons.push_back(
      {health::warning, "a due task has waited for " + rough(seen.oldest_due),
       seen.at_bound.empty()
         ? "give the engine more `--workers`; a handler that it does not have "
           "waits for a program that has it"
         : "as many children of " + seen.at_bound
             + " run as its `max_concurrency` allows; the next run of it may "
               "have a higher one"});
  judge_storage(seen, limits, report);
  for (const auto& reason : report.reasons)
    report.status = std::max(report.status, reason.level);
  return report;
}

} // namespace conductor
