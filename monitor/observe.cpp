#include <algorithm>
#include <cerrno>
#include <filesystem>

#include <csignal>

#include <conductor/event_payload.hpp>
#include <conductor/monitor.hpp>

namespace conductor {

namespace {

constexpr std::size_t stuck_listed = 100;
constexpr std::size_t retries_read = 1000;
constexpr std::size_t failures_read = 1000;
constexpr event_seq events_read = 20'000;

/// The most frequent cause of the last failures of the window.
void observe_cause(store_reader& reader, timestamp since, observations& seen) {
  const auto from = std::max<event_seq>(0, reader.last_event() - events_read);
  failure_grouping causes;
  std::map<std::string, std::string> runs; // of examples
  for (const auto& e :
       reader.list_events({.name = "task.failed"}, from, failures_read)) {
    const auto details = parse_event(e.payload);
    if (e.at < since || !details || details->error.empty())
      continue;
    ++seen.looked_at;
    causes.add({details->error, e.at, e.at}, [&] {
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
  for (const auto& group : reader.groups({.of = group_query::kind::retries_due,
                           .now = timestamp::max(),
                           .limit = retries_read})) {
    if (waiting.size() >= retries_read)
      break;
    auto tasks = reader.tasks({.filter = {.texts = false},
                               .keys = group.tasks,
                               .limit = retries_read - waiting.size()});
    std::move(tasks.begin(), tasks.end(), std::back_inserter(waiting));
  }
  seen.storms = group_retries(waiting);
  for (auto& storm : seen.storms)
    storm.at_least = waiting.size() == retries_read
                     && seen.tasks.retrying > std::ssize(waiting);
}

/// How long the oldest due leaf has waited, and whether it waits only for its
/// siblings.
void observe_queue(store_reader& reader, const health_thresholds& limits,
                   observations& seen) {
  const auto longest = reader.groups(
    {.of = group_query::kind::waiting, .now = seen.at, .limit = 1});
  if (longest.empty())
    return;
  seen.oldest_due = seen.at - longest.front().due;
  const auto parent = reader.load_parent(longest.front().parent);
  if (!parent || seen.oldest_due <= limits.warning_due)
    return;
  const auto origin = reader.load_template(parent->task);
  if (origin && origin->spec.max_concurrency > 0
      && parent->children.running >= origin->spec.max_concurrency)
    seen.at_bound = origin->spec.name;
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
  // Each handler may have a threshold of its own.
  auto least = limits.stuck_after;
  for (const auto& [handler, after] : limits.stuck_after_of)
    least = std::min(least, after);
  auto stuck = reader.tasks(
    {.filter = {.run = run, .states = {task_state::running}, .texts = false},
     .started_before = now - least,
     .order = task_order::oldest_first,
     .limit = stuck_listed});
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
  const auto moment = reader.snapshot();
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
  observe_queue(reader, limits, seen);
  observe_retries(reader, seen);
  observe_engine(reader, seen);
  observe_files(database, seen);
  return seen;
}

} // namespace conductor
