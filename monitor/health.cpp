#include <conductor/monitor.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <csignal>

#include <conductor/json_text.hpp>

namespace conductor {

namespace {

constexpr std::size_t stuck_listed = 100;
constexpr std::size_t retries_read = 1000;

std::string percent(double share) {
  return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%";
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
       + to_text(seen.at - first.started_at) + ": " + first.name + " ("
       + first.id + ")",
     "see `orcon task show " + first.id
       + "`; give the task a `timeout` so that it ends by itself"});
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
       + std::to_string(attempts) + ")",
     "see `orcon task failures`"});
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
       "retry storm: " + std::to_string(storm.tasks)
         + " task(s) keep failing with " + storm.type + ": " + storm.message
         + " (" + storm.task + " has been retried "
         + std::to_string(storm.most_retries) + " times)",
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

/// Each handler has its own idea of how long is too long.
void observe_stuck(store_reader& reader, const health_thresholds& limits,
                   observations& seen) {
  auto least = limits.stuck_after;
  for (const auto& [handler, after] : limits.stuck_after_of)
    least = std::min(least, after);
  for (auto& task : reader.list_stuck(seen.at - least, stuck_listed)) {
    const auto own = limits.stuck_after_of.find(task.handler);
    const auto after
      = own == limits.stuck_after_of.end() ? limits.stuck_after : own->second;
    if (seen.at - task.started_at > after)
      seen.stuck.push_back(std::move(task));
  }
}

void observe_engine(store_reader& reader, observations& seen) {
  seen.engine = reader.load_engine();
  const auto pid = static_cast<::pid_t>(seen.engine.pid);
  seen.engine_runs = !seen.engine.closed
                     && (pid == 0 || ::kill(pid, 0) == 0 || errno == EPERM);
  for (const auto& m : metrics_from_text(seen.engine.report)) {
    if (m.samples.empty())
      continue;
    if (m.name == "orcon_commit_duration_seconds")
      seen.commit_p99_seconds = quantile(m.samples.front(), 0.99);
    else if (m.name == "orcon_subscriber_lag_events")
      seen.subscriber_lag = static_cast<std::int64_t>(m.samples.front().value);
  }
}

void observe_files(const std::string& database, observations& seen) {
  std::error_code ignored;
  const auto size = [&](const std::string& path) {
    const auto bytes = std::filesystem::file_size(path, ignored);
    return ignored ? 0 : static_cast<std::int64_t>(bytes);
  };
  seen.database_bytes = size(database);
  seen.wal_bytes = size(database + "-wal");
  const auto folder
    = std::filesystem::absolute(database, ignored).parent_path();
  const auto disk = std::filesystem::space(folder, ignored);
  if (!ignored)
    seen.disk_free_bytes = disk.available;
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

std::vector<retry_storm>
group_retries(const std::vector<task_record>& waiting) {
  std::map<std::pair<std::string, std::string>, retry_storm> groups;
  for (const auto& task : waiting) {
    const auto error = json::parse(task.last_error, nullptr, false);
    if (!error.is_object())
      continue; // a lost lease is no failure of the task
    const auto type = error.value("type", "");
    const auto message = normalise_message(error.value("message", ""));
    auto& storm = groups[{type, message}];
    storm.type = type;
    storm.message = message;
    ++storm.tasks;
    if (task.retry_count >= storm.most_retries) {
      storm.most_retries = task.retry_count;
      storm.task = task.name;
      storm.run_id = task.run_id;
    }
  }
  std::vector<retry_storm> sorted;
  for (auto& [key, storm] : groups)
    sorted.push_back(std::move(storm));
  std::stable_sort(
    sorted.begin(), sorted.end(),
    [](const auto& x, const auto& y) { return x.tasks > y.tasks; });
  return sorted;
}

observations observe(store_reader& reader, const std::string& database,
                     timestamp now, const health_thresholds& limits) {
  observations seen;
  seen.at = now;
  seen.tasks = reader.count_leaves(0);
  const auto runs = reader.count_runs();
  seen.runs_open = runs.pending + runs.running;
  observe_stuck(reader, limits, seen);
  const auto since = now - limits.window;
  seen.failed_attempts = reader.count_events(event_kind::task_failed, 0, since);
  seen.succeeded_attempts
    = reader.count_events(event_kind::task_succeeded, 0, since);
  if (const auto due = reader.oldest_due(now))
    seen.oldest_due = now - *due;
  std::vector<task_record> waiting;
  for (const auto& brief :
       reader.load_retries_due(timestamp::max(), retries_read))
    if (auto task = reader.load_task(brief.key))
      waiting.push_back(std::move(*task));
  seen.storms = group_retries(waiting);
  observe_engine(reader, seen);
  observe_files(database, seen);
  return seen;
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
      {health::warning, "a due task has waited for " + to_text(seen.oldest_due),
       "give the engine more `--workers`; a handler "
       "that it does not have waits for a program that "
       "has it"});
  judge_storage(seen, limits, report);
  for (const auto& reason : report.reasons)
    report.status = std::max(report.status, reason.level);
  return report;
}

} // namespace conductor
