#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <csignal>

#include <conductor/json_text.hpp>
#include <conductor/monitor.hpp>

namespace conductor {

namespace {

constexpr std::size_t stuck_listed = 100;
constexpr std::size_t retries_read = 1000;
constexpr std::size_t failures_read = 1000;
constexpr std::size_t parents_read = 1000;
constexpr event_seq events_read = 20'000;

/// What the last failures of the window mostly said.
void observe_cause(store_reader& reader, timestamp since, observations& seen) {
  const auto from = std::max<event_seq>(0, reader.last_event() - events_read);
  failure_grouping causes;
  std::map<std::string, std::string> runs; // of examples
  for (const auto& e :
       reader.list_events({.name = "task.failed"}, from, failures_read)) {
    const auto payload = json::parse(e.payload, nullptr, false);
    if (e.at < since || !payload.contains("error"))
      continue;
    ++seen.looked_at;
    causes.add(dump(payload["error"]), e.at, [&] {
      runs.emplace(e.task_name, e.run_id);
      return e.task_name;
    });
  }
  const auto groups = causes.take();
  if (groups.empty())
    return;
  seen.cause = groups.front();
  seen.cause_run = runs[seen.cause.task];
}

void observe_retries(store_reader& reader, observations& seen) {
  std::vector<task_record> waiting;
  for (const auto& brief :
       reader.load_retries_due(timestamp::max(), retries_read))
    if (auto task = reader.load_task(brief.key))
      waiting.push_back(std::move(*task));
  seen.storms = group_retries(waiting);
  for (auto& storm : seen.storms)
    storm.at_least = waiting.size() == retries_read
                     && seen.tasks.retrying > std::ssize(waiting);
}

/// Whether what has waited longest waits for its siblings only.
void observe_bound(store_reader& reader, timestamp due, observations& seen) {
  for (const auto& f : reader.load_open_fanouts(0, parents_read)) {
    if (f.claimed >= f.expanded)
      continue;
    const auto spec = reader.load_origin(f.task)->spec;
    const auto next = reader.load_task(f.base + f.claimed);
    if (spec.max_concurrency > 0 && f.children.running >= spec.max_concurrency
        && next && next->created_at == due)
      seen.at_bound = spec.name;
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

std::vector<task_record> find_stuck(store_reader& reader, run_key run,
                                    timestamp now,
                                    const health_thresholds& limits) {
  // Each handler has its own idea of how long is too long.
  auto least = limits.stuck_after;
  for (const auto& [handler, after] : limits.stuck_after_of)
    least = std::min(least, after);
  auto stuck = reader.list_stuck(run, now - least, stuck_listed);
  std::erase_if(stuck, [&](const auto& task) {
    const auto own = limits.stuck_after_of.find(task.handler);
    return now - task.started_at <= (own == limits.stuck_after_of.end()
                                       ? limits.stuck_after
                                       : own->second);
  });
  return stuck;
}

observations observe(store_reader& reader, const std::string& database,
                     timestamp now, const health_thresholds& limits) {
  observations seen;
  seen.at = now;
  seen.tasks = reader.count_leaves(0);
  const auto runs = reader.count_runs();
  seen.runs_open = runs.pending + runs.running;
  seen.stuck = find_stuck(reader, 0, now, limits);
  const auto since = now - limits.window;
  const auto attempts = reader.count_events(
    {event_kind::task_failed, event_kind::task_succeeded}, 0, since);
  seen.failed_attempts = attempts[0];
  seen.succeeded_attempts = attempts[1];
  if (seen.failed_attempts > 0)
    observe_cause(reader, since, seen);
  if (const auto due = reader.oldest_due(now)) {
    seen.oldest_due = now - *due;
    if (seen.oldest_due > limits.warning_due)
      observe_bound(reader, *due, seen);
  }
  observe_retries(reader, seen);
  observe_engine(reader, seen);
  observe_files(database, seen);
  return seen;
}

} // namespace conductor
