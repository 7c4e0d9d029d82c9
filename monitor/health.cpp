#include <conductor/monitor.hpp>

#include <algorithm>
#include <filesystem>

namespace conductor {

namespace {

constexpr std::size_t stuck_listed = 100;

std::string percent(double share) {
  return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%";
}

std::string megabytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20) + " MiB";
}

void judge_stuck(const observations& seen, const health_thresholds& limits,
                 health_report& report) {
  if (seen.stuck.empty())
    return;
  const auto& first = seen.stuck.front();
  report.reasons.push_back(
    {health::warning,
     std::to_string(seen.stuck.size()) + " task(s) RUNNING for more than "
       + to_text(limits.stuck_after) + ", first " + first.name + " (" + first.id
       + ")",
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

} // namespace

const char* to_string(health h) {
  switch (h) {
    case health::healthy: return "HEALTHY";
    case health::warning: return "WARNING";
    case health::critical: return "CRITICAL";
  }
  return "?";
}

observations observe(store_reader& reader, const std::string& database,
                     timestamp now, const health_thresholds& limits) {
  observations seen;
  seen.at = now;
  seen.tasks = reader.count_leaves(0);
  for (run_key after = 0;;) {
    const auto page = reader.load_open_runs(after, 1000);
    seen.runs_open += std::ssize(page);
    if (page.size() < 1000)
      break;
    after = page.back().key;
  }
  seen.stuck = reader.list_stuck(now - limits.stuck_after, stuck_listed);
  const auto since = now - limits.window;
  seen.failed_attempts
    = reader.count_events(event_kind::task_failed, 0, since);
  seen.succeeded_attempts
    = reader.count_events(event_kind::task_succeeded, 0, since);
  for (const auto& due : reader.load_due(now, 1))
    if (const auto task = reader.load_task(due.key))
      seen.oldest_due = now - task->due_at;
  std::error_code ignored;
  const auto size = [&](const std::string& path) {
    const auto bytes = std::filesystem::file_size(path, ignored);
    return ignored ? 0 : static_cast<std::int64_t>(bytes);
  };
  seen.database_bytes = size(database);
  seen.wal_bytes = size(database + "-wal");
  const auto folder = std::filesystem::absolute(database, ignored).parent_path();
  const auto disk = std::filesystem::space(folder, ignored);
  if (!ignored)
    seen.disk_free_bytes = disk.available;
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
  judge_stuck(seen, limits, report);
  judge_failures(seen, limits, report);
  if (seen.oldest_due > limits.warning_due)
    report.reasons.push_back({health::warning,
                              "a due task has waited for "
                                + to_text(seen.oldest_due),
                              "start an engine (`orcon resume`), or give it "
                              "more `--workers`"});
  judge_storage(seen, limits, report);
  for (const auto& reason : report.reasons)
    report.status = std::max(report.status, reason.level);
  return report;
}

} // namespace conductor
