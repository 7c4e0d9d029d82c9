#include <algorithm>
#include <unordered_map>

#include <conductor/monitor.hpp>

namespace conductor {

namespace {

constexpr std::size_t slowest_listed = 5;
constexpr std::int64_t slowest_looked_at = 200'000;
constexpr std::size_t errors_listed = 100'000; ///< different ones
constexpr std::size_t parents_listed = 1000;
constexpr std::size_t running_listed = 100;

void add_failures(run_summary& s, store_reader& reader) {
  failure_grouping failed, to_retry;
  for (const auto& e : reader.count_errors(s.run.key, errors_listed)) {
    const auto add = [&](failure_grouping& to, std::int64_t count) {
      if (count > 0)
        to.add({e.error, e.first, e.last, count}, [&] {
          const auto task = reader.load_task(e.task);
          return task ? task->name : std::string{};
        });
    };
    add(failed, e.failed);
    add(to_retry, e.retrying);
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

/// Parents that need attention come first.
int rank_of(const task_record& parent, const parent_record& fanout) {
  if (parent.state == task_state::failed)
    return 0;
  if (!settled(parent.state))
    return 1;
  if (parent.state == task_state::cancelled)
    return 2;
  return fanout.children.failed > 0 ? 3 : 4;
}

void add_top_level(run_summary& s, store_reader& reader) {
  std::unordered_map<task_key, parent_record> fanouts;
  for (auto& f : reader.list_parents(s.run.key))
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
  const auto moment = reader.snapshot();
  run_summary s;
  if (auto record = reader.load_run(run))
    s.run = std::move(*record);
  s.at = now;
  s.stuck_after = limits.stuck_after;
  const auto end = s.run.finished_at != no_time ? s.run.finished_at : now;
  s.duration = end - s.run.created_at;
  s.tasks = reader.count_leaves(run);
  add_top_level(s, reader);
  // This compares all leaves, which takes too long for a large run.
  if (s.tasks.total() <= slowest_looked_at)
    s.slowest = reader.tasks({.filter = {.run = run, .texts = false},
                              .order = task_order::slowest_first,
                              .limit = slowest_listed});
  add_failures(s, reader);
  add_passes(s, reader);
  // So does this: only where there is something to report.
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
