#include <algorithm>

#include "store/memory/model.hpp"
#include "store/texts.hpp"

namespace conductor::memory {

namespace {

using task_entry = std::map<task_key, task_row>::value_type;

bool is_leaf_of(const model& m, run_key run, const task_entry& task) {
  return (!run || task.second.run == run) && !m.fanouts.contains(task.first);
}

bool is_leased(const model& m, task_key key) {
  return std::ranges::any_of(
    m.leases, [key](const auto& x) { return x.second.tasks.contains(key); });
}

/// The first tasks of a list in order of `less`; of equals the older one.
template <class Less>
std::vector<task_record> best(const model& m,
                              std::vector<const task_entry*> tasks, Less less,
                              std::size_t limit) {
  std::ranges::stable_sort(tasks, [&](const auto* x, const auto* y) {
    return less(x->second, y->second);
  });
  std::vector<task_record> out;
  for (const auto* task : tasks)
    if (out.size() < limit)
      out.push_back(to_record(m, task->first, task->second));
  return out;
}

milliseconds last_attempt(const task_row& row) {
  return row.updated_at - row.started_at;
}

} // namespace

std::vector<event_record> list_events(const model& m,
                                      const event_filter& filter,
                                      event_seq after, std::size_t limit) {
  std::vector<event_record> out;
  for (const auto& kept : m.events) {
    const auto& span = kept.span;
    if (out.size() == limit)
      break;
    if ((filter.run && span.run != filter.run)
        || !is_named(span.kind, filter.name))
      continue;
    for (std::int64_t i = 0; i < span.count && out.size() < limit; ++i)
      if (span.seq + i > after
          && (!filter.task || (span.first && span.first + i == filter.task)))
        out.push_back(to_record(m, kept, i));
  }
  return out;
}

state_counts count_leaves(const model& m, run_key run) {
  state_counts out;
  for (const auto& task : m.tasks)
    if (is_leaf_of(m, run, task))
      ++out[task.second.state];
  for (const auto& [key, f] : m.fanouts)
    if (!run || f.run == run)
      out.unborn += f.total - f.expanded;
  return out;
}

std::vector<task_record> list_stuck_tasks(const model& m, run_key run,
                                          timestamp started_before,
                                          std::size_t limit) {
  std::vector<const task_entry*> stuck;
  for (const auto& task : m.tasks)
    if ((!run || task.second.run == run)
        && task.second.state == task_state::running
        && task.second.started_at < started_before && is_leased(m, task.first))
      stuck.push_back(&task);
  return best(
    m, stuck,
    [](const auto& x, const auto& y) { return x.started_at < y.started_at; },
    limit);
}

std::vector<task_record> list_slowest_tasks(const model& m, run_key run,
                                            std::size_t limit) {
  std::vector<const task_entry*> done;
  // Of a cancelled task nobody knows how long it would have taken.
  for (const auto& task : m.tasks)
    if (const auto& row = task.second; is_leaf_of(m, run, task)
                                       && row.attempt > 0
                                       && (row.state == task_state::succeeded
                                           || row.state == task_state::failed))
      done.push_back(&task);
  return best(
    m, done,
    [](const auto& x, const auto& y) {
      return last_attempt(x) > last_attempt(y);
    },
    limit);
}

retry_metrics measure_retries(const model& m, run_key run) {
  retry_metrics out;
  for (const auto& task : m.tasks) {
    if (!is_leaf_of(m, run, task))
      continue;
    const auto& row = task.second;
    const auto retried = row.retry_count > 0;
    const auto done = settled(row.state);
    out.retried += retried;
    out.retried_succeeded += retried && row.state == task_state::succeeded;
    out.retried_settled += retried && done;
    out.exhausted += row.state == task_state::failed;
    out.attempts += done ? row.attempt : 0;
    out.settled += done;
  }
  return out;
}

std::vector<task_error> list_errors(const model& m, run_key run, task_key after,
                                    std::size_t limit) {
  std::vector<task_error> out;
  for (const auto& [key, row] : m.tasks)
    if ((!run || row.run == run) && key > after && out.size() < limit
        && (row.state == task_state::failed
            || row.state == task_state::retrying)
        && !row.error.empty())
      out.push_back({key, row.state, row.updated_at, row.error});
  return out;
}

std::optional<timestamp> last_settled(const model& m, run_key run) {
  std::optional<timestamp> last;
  for (const auto& [span, hash] : m.events)
    if (span.run == run
        && (span.kind == event_kind::task_succeeded
            || span.kind == event_kind::task_retries_exhausted
            || span.kind == event_kind::task_cancelled
            || (span.kind == event_kind::task_failed
                && span.payload.find("\"retry_at\"") == std::string::npos)))
      last = span.at;
  return last;
}

std::vector<std::int64_t> count_events(const model& m,
                                       const std::vector<event_kind>& kinds,
                                       run_key run, timestamp since) {
  std::vector<std::int64_t> out(kinds.size());
  for (const auto& [span, hash] : m.events)
    for (std::size_t i = 0; i < kinds.size(); ++i)
      if (span.kind == kinds[i] && (!run || span.run == run)
          && span.at >= since)
        out[i] += span.count;
  return out;
}

std::vector<handler_count> count_by_handler(const model& m) {
  std::map<std::string, state_counts> found;
  for (const auto& task : m.tasks)
    if (is_leaf_of(m, 0, task))
      ++found[m.origin(task.first, task.second).spec.handler]
             [task.second.state];
  for (const auto& [key, f] : m.fanouts)
    found[m.origins.at(key).spec.handler].unborn += f.total - f.expanded;
  std::vector<handler_count> sorted;
  for (const auto& [handler, tasks] : found)
    sorted.push_back({handler, tasks});
  return sorted;
}

std::optional<timestamp> oldest_due(const model& m, timestamp now) {
  std::optional<timestamp> oldest;
  const auto look = [&](timestamp at) {
    if (at <= now && (!oldest || at < *oldest))
      oldest = at;
  };
  for (const auto& [at, key] : m.due)
    if (m.tasks.at(key).state == task_state::pending)
      look(at);
  for (const auto& [key, f] : m.fanouts)
    if (f.state == task_state::pending && f.claimed < f.expanded)
      look(m.tasks.at(f.base + f.claimed).created_at);
  return oldest;
}

std::vector<event_span> list_event_spans(const model& m, run_key run,
                                         event_seq after, std::size_t limit) {
  std::vector<event_span> out;
  for (const auto& [span, hash] : m.events)
    if (span.run == run && span.seq > after && out.size() < limit) {
      out.push_back(span);
      out.back().payload.clear();
    }
  return out;
}

} // namespace conductor::memory
