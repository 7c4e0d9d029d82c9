#include "apps/orcon/report/report_data.hpp"

#include <algorithm>
#include <unordered_map>

#include <conductor/monitor.hpp>

namespace orcon::report {

namespace {

constexpr std::size_t spans_a_page = 10'000;
constexpr std::size_t slowest_listed = 20;
constexpr std::size_t origins_listed = 50;
constexpr std::size_t attempts_drawn = 1000;
constexpr std::size_t maps_drawn = 8;
constexpr std::int64_t cells_drawn = 2400;

task_key first_task(store_reader& reader, run_key run) {
  const auto page
    = reader.list_tasks({.run = run, .top_level = true, .texts = false}, 0, 1);
  return page.empty() ? 0 : page.front().key;
}

/// The largest groups of leaves get heat maps, of so many cells together that
/// the page stays small.
void choose_maps(frame& f) {
  std::vector<block*> leaves;
  for (auto& b : f.blocks)
    if (b.tasks.count > (b.parent != 0 ? 0 : std::ssize(f.parents)))
      leaves.push_back(&b);
  std::ranges::stable_sort(leaves, std::greater{},
                           [](const auto* b) { return b->tasks.count; });
  leaves.resize(std::min(leaves.size(), maps_drawn));
  for (auto* b : leaves)
    b->cells = std::min<std::int64_t>(1000, cells_drawn / std::ssize(leaves));
}

frame frame_of(store_reader& reader, const run_report& r) {
  const auto& run = r.summary.run;
  frame f;
  f.begin = run.created_at;
  f.end = run.finished_at != no_time ? run.finished_at : r.made_at;
  f.blocks.push_back({0, {first_task(reader, run.key), run.tasks}});
  for (const auto& fanout : reader.list_parents(run.key)) {
    f.parents.push_back(fanout.task);
    f.blocks.push_back({fanout.task, {fanout.base, fanout.total}});
  }
  choose_maps(f);
  if (r.summary.tasks.total() <= few)
    f.attempts = attempts_drawn;
  return f;
}

story tell(store_reader& reader, run_key run, frame f) {
  const auto end = f.end;
  replay teller{std::move(f)};
  for (event_seq after = 0;;) {
    const auto page = reader.list_event_spans(run, after, spans_a_page);
    for (const auto& span : page)
      teller.add(span);
    // An engine may be writing faster than the reader wants to follow.
    if (page.size() < spans_a_page || page.back().at > end)
      break;
    after = page.back().seq;
  }
  return teller.finish();
}

std::vector<bar> bars_of(store_reader& reader, const run_report& r) {
  std::vector<bar> bars;
  if (r.summary.tasks.total() > few)
    return bars;
  std::unordered_map<task_key, std::size_t> places;
  for (task_key after = 0;;) {
    auto page = reader.list_tasks({.run = r.summary.run.key, .texts = false},
                                  after, 1000);
    if (page.empty())
      break;
    after = page.back().key;
    for (auto& task : page)
      if (!reader.load_parent(task.key)) {
        places[task.key] = bars.size();
        bars.push_back({std::move(task), {}});
      }
  }
  for (const auto& a : r.told.attempts)
    if (const auto place = places.find(a.task); place != places.end())
      bars[place->second].attempts.push_back(a);
  return bars;
}

} // namespace

run_report gather(store_reader& reader, run_key run, timestamp now) {
  run_report r;
  r.made_at = now;
  r.summary = summarise(reader, run, now);
  r.retries = reader.measure_retries(run);
  r.told = tell(reader, run, frame_of(reader, r));
  r.bars = bars_of(reader, r);
  r.slowest = reader.tasks({.filter = {.run = run, .texts = false},
                            .order = task_order::slowest_first,
                            .limit = slowest_listed});
  for (const auto& t : r.told.most_tried)
    if (auto task = reader.load_task(t.task))
      r.most_tried.push_back(std::move(*task));
  for (const auto& task : reader.list_tasks(
         {.run = run, .top_level = true, .texts = false}, 0, origins_listed))
    if (auto origin = reader.load_template(task.key))
      r.origins.push_back(std::move(*origin));
  return r;
}

} // namespace orcon::report
