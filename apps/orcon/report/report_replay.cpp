#include "apps/orcon/report/report_replay.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace orcon::report {

namespace {

constexpr std::uint8_t uncreated = 0, no_leaf = 255;
constexpr std::size_t listed_attempts = 10; // "10 or more" is the last row

} // namespace

// -- timeline -----------------------------------------------------------------

timestamp timeline::at(std::size_t i) const {
  const auto n = static_cast<std::int64_t>(slices.size());
  return begin + (end - begin) * static_cast<std::int64_t>(i) / n;
}

std::int64_t timeline::peak() const {
  std::int64_t most = 0;
  for (const auto& s : slices)
    most = std::max(most, s.peak_running);
  return most;
}

// -- durations ----------------------------------------------------------------

// 32 places for each power of two from 64 on; below, one a millisecond.
std::size_t durations::place(std::int64_t ms) {
  const auto v = static_cast<std::uint64_t>(std::max<std::int64_t>(ms, 0));
  if (v < 64)
    return static_cast<std::size_t>(v);
  const auto power = static_cast<std::size_t>(std::bit_width(v)) - 1;
  return std::min<std::size_t>(
    64 + (power - 6) * 32 + ((v >> (power - 5)) & 31), 2047);
}

std::int64_t durations::least(std::size_t place) {
  if (place < 64)
    return static_cast<std::int64_t>(place);
  const auto power = (place - 64) / 32 + 6;
  return static_cast<std::int64_t>((32 + (place - 64) % 32) << (power - 5));
}

void durations::add(milliseconds d) {
  ++counts_[place(d.count())];
  ++count_;
  longest_ = std::max(longest_, d);
}

milliseconds durations::within(double share) const {
  const auto wanted = static_cast<double>(count_) * share;
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen > 0 && static_cast<double>(seen) >= wanted)
      return std::min(milliseconds{least(i + 1) - 1}, longest_);
  }
  return longest_;
}

std::int64_t durations::between(milliseconds from, milliseconds to) const {
  std::int64_t sum = 0;
  for (auto i = place(from.count()); i < place(to.count()); ++i)
    sum += counts_[i];
  return sum;
}

// -- replay -------------------------------------------------------------------

replay::replay(frame f) : frame_(std::move(f)), last_(frame_.begin) {
  auto& time = story_.time;
  time.begin = frame_.begin;
  time.end = std::max(frame_.end, frame_.begin + milliseconds{1});
  time.slices.resize(static_cast<std::size_t>(
    std::clamp<std::int64_t>((time.end - time.begin).count(), 1,
                             static_cast<std::int64_t>(frame_.slices))));
  std::ranges::sort(frame_.blocks, {},
                    [](const auto& b) { return b.tasks.first; });
  for (const auto& b : frame_.blocks) {
    auto& g = groups_.emplace_back();
    g.leaves.resize(static_cast<std::size_t>(b.tasks.count));
    const auto cells = std::max<std::int64_t>(b.cells, 1);
    const auto per_cell
      = std::max<std::int64_t>((b.tasks.count + cells - 1) / cells, 1);
    g.map = {b, per_cell, {}};
    g.map.cells.resize(
      static_cast<std::size_t>((b.tasks.count + per_cell - 1) / per_cell));
    for (auto parent : frame_.parents)
      if (b.tasks.contains(parent))
        g.leaves[static_cast<std::size_t>(parent - b.tasks.first)].state
          = no_leaf;
    now_.not_created += std::ranges::count(g.leaves, uncreated, &leaf::state);
  }
}

void replay::add(const event_span& span) {
  // A run may continue while its events are read.
  if (span.at > story_.time.end)
    return;
  story_.complete = story_.complete || span.kind == event_kind::run_created;
  story_.events += span.count;
  if (span.first == 0)
    return;
  advance(span.at);
  auto g = std::ranges::upper_bound(groups_, span.first, {}, [](const auto& x) {
    return x.map.of.tasks.first;
  });
  if (g != groups_.begin())
    --g;
  for (auto task = span.first; task < span.first + span.count; ++task) {
    while (g != groups_.end() && task >= g->map.of.tasks.end())
      ++g;
    if (g == groups_.end())
      break;
    if (g->map.of.tasks.contains(task))
      step(span.kind, *g, task, span.at);
  }
}

/// Time never runs backwards, though a change may have been planned a moment
/// before the one that was committed first.
void replay::advance(timestamp at) {
  const auto& time = story_.time;
  while (current_ + 1 < time.slices.size() && at >= time.at(current_ + 1))
    close_slice();
  if (at > last_) {
    busy_ += static_cast<double>((at - last_).count() * now_.running);
    last_ = at;
  }
}

void replay::close_slice() {
  auto& time = story_.time;
  const auto end = time.at(current_ + 1);
  if (end > last_) {
    busy_ += static_cast<double>((end - last_).count() * now_.running);
    last_ = end;
  }
  auto& s = time.slices[current_];
  s.leaves = now_;
  s.mean_running
    = busy_ / static_cast<double>((end - time.at(current_)).count());
  busy_ = 0;
  if (++current_ < time.slices.size())
    time.slices[current_].peak_running = now_.running;
}

void replay::step(event_kind kind, group& g, task_key task, timestamp at) {
  using enum task_state;
  auto& l = g.leaves[static_cast<std::size_t>(task - g.map.of.tasks.first)];
  if (l.state == no_leaf)
    return;
  switch (kind) {
  case event_kind::task_created:
  case event_kind::task_retried: return enter(l, pending);
  case event_kind::task_started:
    enter(l, running);
    running_[task] = at;
    if (l.attempts < std::numeric_limits<std::uint8_t>::max())
      ++l.attempts;
    return;
  case event_kind::task_succeeded:
    end_attempt(g, task, at, ending::succeeded);
    return enter(l, succeeded);
  case event_kind::task_failed:
    // For good only if `task.retries_exhausted` follows.
    end_attempt(g, task, at, ending::failed);
    return enter(l, retrying);
  case event_kind::task_lease_expired:
    end_attempt(g, task, at, ending::lost);
    return enter(l, retrying);
  case event_kind::task_retries_exhausted: return enter(l, failed);
  case event_kind::task_cancelled:
    end_attempt(g, task, at, ending::cancelled);
    return enter(l, cancelled);
  default: return;
  }
}

void replay::enter(leaf& l, task_state state) {
  if (l.state == uncreated)
    --now_.not_created;
  else
    --now_[static_cast<task_state>(l.state)];
  ++now_[state];
  l.state = static_cast<std::uint8_t>(state);
  auto& peak = story_.time.slices[current_].peak_running;
  peak = std::max(peak, now_.running);
}

void replay::end_attempt(group& g, task_key task, timestamp at, ending how) {
  const auto found = running_.find(task);
  if (found == running_.end())
    return;
  const auto took = std::max(at - found->second, milliseconds{0});
  // What a lost attempt took nobody knows: it ended before its lease did.
  if (how == ending::succeeded || how == ending::failed) {
    auto& c = g.map.cells[static_cast<std::size_t>((task - g.map.of.tasks.first)
                                                   / g.map.per_cell)];
    ++c.attempts;
    c.took += took;
    c.longest = std::max(c.longest, took);
    story_.attempt_times.add(took);
  }
  if (story_.attempts.size() < frame_.attempts)
    story_.attempts.push_back({task, found->second, at, how});
  running_.erase(found);
}

void replay::count_leaves(group& g) {
  auto& most = story_.most_tried;
  const auto less = [](const tries& x, const tries& y) {
    return x.attempts != y.attempts ? x.attempts > y.attempts : x.task < y.task;
  };
  for (std::size_t i = 0; i < g.leaves.size(); ++i) {
    const auto& l = g.leaves[i];
    if (l.state == no_leaf)
      continue;
    auto& c = g.map.cells[i / static_cast<std::size_t>(g.map.per_cell)];
    if (l.state == uncreated)
      ++c.leaves.not_created;
    else
      ++c.leaves[static_cast<task_state>(l.state)];
    if (l.attempts == 0)
      continue;
    ++story_
        .by_attempts[std::min<std::size_t>(l.attempts, listed_attempts) - 1];
    const tries t{g.map.of.tasks.first + static_cast<std::int64_t>(i),
                  l.attempts};
    if (t.attempts < 2
        || (most.size() == frame_.most_tried && !less(t, most.back())))
      continue;
    most.insert(std::ranges::upper_bound(most, t, less), t);
    if (most.size() > frame_.most_tried)
      most.pop_back();
  }
}

story replay::finish() {
  advance(story_.time.end);
  while (current_ < story_.time.slices.size())
    close_slice();
  for (const auto& [task, since] : running_)
    if (story_.attempts.size() < frame_.attempts)
      story_.attempts.push_back({task, since, story_.time.end, ending::open});
  std::ranges::sort(story_.attempts, {}, [](const auto& a) {
    return std::pair{a.start, a.task};
  });
  story_.by_attempts.resize(listed_attempts);
  for (auto& g : groups_) {
    count_leaves(g);
    if (g.map.of.cells > 0)
      story_.maps.push_back(std::move(g.map));
  }
  while (!story_.by_attempts.empty() && story_.by_attempts.back() == 0)
    story_.by_attempts.pop_back();
  return std::move(story_);
}

} // namespace orcon::report
