#include <algorithm>
#include <unordered_map>

#include <conductor/monitor.hpp>

namespace conductor {

namespace {

constexpr std::size_t slowest_listed = 5;
constexpr std::int64_t slowest_looked_at = 200'000;
constexpr std::size_t errors_a_page = 10'000;
constexpr std::size_t parents_listed = 1000;
constexpr std::size_t running_listed = 100;

void add_failures(run_summary& s, store_reader& reader) {
  failure_grouping failed, to_retry;
  for (task_key after = 0;;) {
    const auto page = reader.list_errors(s.run.key, after, errors_a_page);
    for (const auto& e : page)
      // A parent fails through its children; it explains nothing by itself.
      if (e.error.find("\"children_failed\"") == std::string::npos)
        (e.state == task_state::failed ? failed : to_retry)
          .add(e.error, e.at, [&] { return reader.load_task(e.task)->name; });
    if (page.size() < errors_a_page)
      break;
    after = page.back().task;
  }
  s.failures = failed.take();
  s.to_retry = to_retry.take();
}

void add_handler(run_summary& summary, const std::string& handler,
                 const state_counts& tasks) {
  for (auto& h : summary.handlers)
    if (h.handler == handler) {
      h.tasks += tasks;
      return;
    }
  summary.handlers.push_back({handler, tasks});
}

/// What wants to be looked at comes first.
int rank_of(const task_record& parent, const fanout_record& fanout) {
  if (parent.state == task_state::failed)
    return 0;
  if (!settled(parent.state))
    return 1;
  if (parent.state == task_state::cancelled)
    return 2;
  return fanout.children.failed > 0 ? 3 : 4;
}

void add_top_level(run_summary& s, store_reader& reader) {
  std::unordered_map<task_key, fanout_record> fanouts;
  for (auto& f : reader.list_fanouts(s.run.key))
    fanouts.emplace(f.task, std::move(f));
  s.parents_total = std::ssize(fanouts);
  const task_filter top_level{
    .run = s.run.key, .top_level = true, .texts = false};
  for (task_key after = 0;;) {
    auto page = reader.list_tasks(top_level, after, 1000);
    for (auto& task : page) {
      after = task.key;
      const auto fanout = fanouts.find(task.key);
      state_counts leaf;
      leaf[task.state] = 1;
      add_handler(s, task.handler,
                  fanout == fanouts.end() ? leaf : fanout->second.children);
      if (fanout != fanouts.end())
        s.parents.push_back(std::move(task));
      else if (task.state == task_state::running
               && s.running.size() < running_listed)
        s.running.push_back(std::move(task));
    }
    if (page.size() < 1000)
      break;
  }
  std::ranges::stable_sort(s.parents, std::less{}, [&](const auto& t) {
    return rank_of(t, fanouts.at(t.key));
  });
  s.parents.resize(std::min(s.parents.size(), parents_listed));
  for (const auto& t : s.parents)
    s.fanouts.push_back(std::move(fanouts.at(t.key)));
}

void add_passes(run_summary& s, store_reader& reader) {
  using enum event_kind;
  const auto passes = reader.count_events(
    {fanout_finished, aggregate_finished, retry_finished}, s.run.key, no_time);
  s.passes
    = {{"fanout", passes[0]}, {"aggregate", passes[1]}, {"retry", passes[2]}};
}

} // namespace

run_summary summarise(store_reader& reader, run_key run, timestamp now,
                      const health_thresholds& limits) {
  run_summary s;
  if (auto record = reader.load_run(run))
    s.run = std::move(*record);
  s.at = now;
  s.stuck_after = limits.stuck_after;
  const auto end = s.run.finished_at != no_time ? s.run.finished_at : now;
  s.duration = end - s.run.created_at;
  s.tasks = reader.count_leaves(run);
  add_top_level(s, reader);
  // Looked for among all leaves: too long a question for a large run.
  if (s.tasks.total() <= slowest_looked_at)
    s.slowest = reader.list_slowest(run, slowest_listed);
  add_failures(s, reader);
  add_passes(s, reader);
  // Looks at all tasks, too: only where there is something to tell.
  s.retries.exhausted = s.tasks.failed;
  if (s.run.retries > 0)
    s.retries = reader.measure_retries(run);
  if (settled(s.run.state))
    return s;
  s.stuck = find_stuck(reader, run, now, limits);
  if (s.tasks.settled() > 0)
    s.last_settled = reader.last_settled(run).value_or(no_time);
  return s;
}

} // namespace conductor
