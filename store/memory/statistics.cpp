#include <algorithm>

#include <conductor/event_payload.hpp>

#include "store/glob.hpp"
#include "store/memory/model.hpp"

/// Events and numbers, answered by looking at every row.
namespace conductor::memory {

namespace {

bool is_leaf_of(run_key run, const task_row& row) {
  return row.leaf && (!run || row.run == run);
}

/// Whether an event says that a task has settled.
bool settles(const event_span& span) {
  switch (span.kind) {
  case event_kind::task_succeeded:
  case event_kind::task_retries_exhausted:
  case event_kind::task_cancelled: return true;
  case event_kind::task_failed: {
    const auto details = parse_event(span.payload);
    return !details || !details->retry_at;
  }
  default: return false;
  }
}

} // namespace

std::vector<event_record> list_events(const model& m,
                                      const event_filter& filter,
                                      event_seq after, std::size_t limit) {
  std::vector<event_record> out;
  for (const auto& kept : m.events) {
    const auto& span = kept.span;
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

std::optional<timestamp> last_settled(const model& m, run_key run) {
  std::optional<timestamp> last;
  for (const auto& [span, hash] : m.events)
    if (span.run == run && settles(span))
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

std::vector<handler_count> count_by_handler(const model& m, run_key run) {
  std::map<std::string, state_counts> found;
  for (const auto& [key, row] : m.tasks)
    if (is_leaf_of(run, row))
      ++found[m.template_of(key, row).spec.handler][row.now.state];
  for (const auto& [key, p] : m.parents)
    if (!run || p.run == run)
      found[m.templates.at(key).spec.handler].not_created
        += p.children.not_created;
  std::vector<handler_count> sorted;
  for (const auto& [handler, tasks] : found)
    sorted.push_back({handler, tasks});
  return sorted;
}

retry_metrics measure_retries(const model& m, run_key run) {
  retry_metrics out;
  for (const auto& [key, row] : m.tasks) {
    if (!is_leaf_of(run, row))
      continue;
    const auto state = row.now.state;
    const auto retried = row.now.retry_count > 0;
    const auto done = settled(state);
    out.retried += retried;
    out.retried_succeeded += retried && state == task_state::succeeded;
    out.retried_settled += retried && done;
    out.exhausted += state == task_state::failed;
    out.attempts += done ? row.now.attempt : 0;
    out.settled += done;
  }
  return out;
}

std::vector<error_count> count_errors(const model& m, run_key run,
                                      std::size_t limit) {
  std::vector<error_count> out;
  for (const auto& [key, row] : m.tasks) {
    const auto retrying = row.now.state == task_state::retrying;
    if (!is_leaf_of(run, row) || row.error.empty()
        || (!retrying && row.now.state != task_state::failed))
      continue;
    const auto at = row.now.updated_at;
    auto same = std::ranges::find(out, row.error, &error_count::error);
    if (same == out.end())
      same = out.insert(same, {row.error, 0, 0, at, at, key});
    ++(retrying ? same->retrying : same->failed);
    same->first = std::min(same->first, at);
    same->last = std::max(same->last, at);
  }
  std::ranges::stable_sort(out, std::greater{},
                           [](const auto& x) { return x.failed + x.retrying; });
  out.resize(std::min(out.size(), limit));
  return out;
}

} // namespace conductor::memory
