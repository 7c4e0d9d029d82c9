#include "apps/orcon/terminal/run_details.hpp"

#include <algorithm>

#include "apps/orcon/terminal/progress_line.hpp"
#include "apps/orcon/terminal/task_label.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr std::size_t most_leaves = 1000;

/// As `speed` measures it, from the events.
double recent_rate(store_reader& reader, const run_summary& s) {
  const std::vector kinds{event_kind::task_succeeded,
                          event_kind::task_retries_exhausted,
                          event_kind::task_cancelled};
  const auto begin = s.at - s.duration;
  for (const auto window : speed::windows) {
    const auto since = std::max(begin, s.at - window);
    std::int64_t settled = 0;
    for (auto n : reader.count_events(kinds, s.run.key, since))
      settled += n;
    const auto seconds = static_cast<double>((s.at - since).count()) / 1000;
    if (settled >= speed::enough || since == begin)
      return seconds > 0 ? static_cast<double>(settled) / seconds : 0;
  }
  return 0;
}

double average_rate(const run_summary& s) {
  const auto seconds = static_cast<double>(s.duration.count()) / 1000;
  return seconds > 0 ? static_cast<double>(s.tasks.settled()) / seconds : 0;
}

void add_items(store_reader& reader, const run_summary& s,
               const std::vector<failure_group>& groups, run_details& to) {
  for (const auto& group : groups)
    if (const auto task = reader.find_task(s.run.key, group.task))
      to.items[group.task] = item_text(reader, *task);
}

} // namespace

std::optional<milliseconds> standstill_of(const run_summary& s) {
  constexpr milliseconds soon{10'000};
  constexpr int times = 10; // the average gap
  if (settled(s.run.state) || s.tasks.settled() == 0)
    return std::nullopt;
  const auto since = s.at - s.last_settled;
  const auto gap = s.duration / s.tasks.settled();
  return since > s.stuck_after || (since > soon && since > gap * times)
           ? std::optional{since}
           : std::nullopt;
}

run_details look_closer(store_reader& reader, const run_summary& s) {
  run_details d;
  d.rate = settled(s.run.state) ? average_rate(s) : recent_rate(reader, s);
  if (!settled(s.run.state) && d.rate > 0 && !standstill_of(s))
    d.eta = milliseconds{static_cast<std::int64_t>(
      static_cast<double>(s.tasks.total() - s.tasks.settled()) / d.rate
      * 1000)};
  task_key after = 0;
  while (d.leaves.size() < most_leaves) {
    const auto page
      = reader.list_tasks({.run = s.run.key, .top_level = true, .texts = false},
                          after, most_leaves);
    for (const auto& task : page)
      if (d.leaves.size() < most_leaves && !reader.load_parent(task.key))
        d.leaves.push_back(task);
    if (page.size() < most_leaves)
      break;
    after = page.back().key;
  }
  add_items(reader, s, s.failures, d);
  add_items(reader, s, s.to_retry, d);
  return d;
}

} // namespace orcon
