#define CAF_SUITE apps.report_replay

#include <sstream>

#include "apps/orcon/report/report_html.hpp"
#include "apps/orcon/report/report_page.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using namespace orcon::report;
using namespace std::chrono_literals;

namespace {

constexpr auto start = from_ms(1'767'225'600'000); // 2026-01-01

timestamp after(std::int64_t ms) {
  return start + milliseconds{ms};
}

event_span span(event_kind kind, task_key first, std::int64_t count,
                std::int64_t ms) {
  return {1, 1, first, count, kind, after(ms), {}};
}

/// Task 1 is a parent, its four children are 2 … 5; a second long.
frame four_children() {
  frame f;
  f.blocks = {{0, {1, 1}, 0}, {1, {2, 4}, 2}};
  f.parents = {1};
  f.begin = start;
  f.end = after(1000);
  f.slices = 10;
  f.attempts = 100;
  return f;
}

} // namespace

CAF_TEST(a replay tells states and attempts under way over time) {
  using enum event_kind;
  replay teller{four_children()};
  teller.add({1, 1, 0, 1, run_created, start, {}});
  teller.add(span(task_created, 1, 1, 0));
  teller.add(span(task_created, 2, 4, 100));
  teller.add(span(task_started, 2, 2, 250));
  teller.add(span(task_succeeded, 2, 1, 450));
  teller.add(span(task_failed, 3, 1, 500));
  teller.add(span(task_retried, 3, 1, 600));
  teller.add(span(task_started, 3, 3, 600));
  teller.add(span(task_failed, 3, 1, 650));
  teller.add(span(task_retries_exhausted, 3, 1, 650));
  teller.add(span(task_cancelled, 4, 1, 700));
  const auto told = teller.finish();
  CAF_CHECK(told.complete);
  CAF_CHECK_EQUAL(told.events, 17);
  const auto& slices = told.time.slices;
  CAF_REQUIRE_EQUAL(slices.size(), 10u);
  CAF_CHECK_EQUAL(slices[0].leaves, (state_counts{.not_created = 4}));
  CAF_CHECK_EQUAL(slices[1].leaves, (state_counts{.pending = 4}));
  CAF_CHECK_EQUAL(slices[2].leaves, (state_counts{.pending = 2, .running = 2}));
  CAF_CHECK_EQUAL(slices[2].peak_running, 2);
  CAF_CHECK_EQUAL(slices[2].mean_running, 1.0); // two, for half of its time
  CAF_CHECK_EQUAL(slices[5].leaves,
                  (state_counts{.pending = 2, .retrying = 1, .succeeded = 1}));
  CAF_CHECK_EQUAL(slices[5].peak_running, 1); // until the slice begins
  CAF_CHECK_EQUAL(slices[6].peak_running, 3);
  CAF_CHECK_EQUAL(slices[6].mean_running, 2.5);
  CAF_CHECK_EQUAL(
    slices[9].leaves,
    (state_counts{.running = 1, .succeeded = 1, .failed = 1, .cancelled = 1}));
  CAF_CHECK_EQUAL(told.time.peak(), 3);
}

CAF_TEST(a replay tells attempts durations and who was tried most) {
  using enum event_kind;
  replay teller{four_children()};
  teller.add(span(task_created, 2, 4, 0));
  teller.add(span(task_started, 2, 4, 100));
  teller.add(span(task_succeeded, 2, 2, 130));
  teller.add(span(task_failed, 4, 1, 150));
  teller.add(span(task_lease_expired, 5, 1, 900));
  teller.add(span(task_retried, 4, 2, 900));
  teller.add(span(task_started, 4, 1, 950));
  const auto told = teller.finish();
  CAF_CHECK(!told.complete); // the creation of the run is missing
  CAF_REQUIRE_EQUAL(told.maps.size(), 1u);
  const auto& map = told.maps[0];
  CAF_CHECK_EQUAL(map.per_cell, 2);
  CAF_REQUIRE_EQUAL(map.cells.size(), 2u);
  CAF_CHECK_EQUAL(map.cells[0].leaves, (state_counts{.succeeded = 2}));
  CAF_CHECK_EQUAL(map.cells[0].mean(), 30.0);
  CAF_CHECK_EQUAL(map.cells[1].leaves,
                  (state_counts{.pending = 1, .running = 1}));
  CAF_CHECK_EQUAL(map.cells[1].attempts, 1); // a lost one took nobody knows
  CAF_CHECK_EQUAL(map.cells[1].longest, 50ms);
  CAF_CHECK_EQUAL(told.by_attempts, (std::vector<std::int64_t>{3, 1}));
  CAF_REQUIRE_EQUAL(told.most_tried.size(), 1u);
  CAF_CHECK_EQUAL(told.most_tried[0].task, 4);
  CAF_REQUIRE_EQUAL(told.attempts.size(), 5u);
  CAF_CHECK(told.attempts[3].how == ending::lost);
  CAF_CHECK(told.attempts[4].how == ending::open);
  CAF_CHECK_EQUAL(told.attempts[4].end, after(1000));
}

CAF_TEST(durations are exact where short and near where long) {
  durations d;
  for (int ms = 1; ms <= 100; ++ms)
    d.add(milliseconds{ms});
  CAF_CHECK_EQUAL(d.within(0.5), 50ms);
  CAF_CHECK_EQUAL(d.longest(), 100ms);
  CAF_CHECK_EQUAL(d.between(1ms, 51ms), 50);
  CAF_CHECK_EQUAL(d.between(0ms, 1h), 100);
  durations one;
  one.add(1'000'000ms);
  CAF_CHECK(one.within(0.5) <= 1'000'000ms && one.within(0.5) >= 970'000ms);
  CAF_CHECK_EQUAL(durations{}.within(0.5), 0ms);
}

CAF_TEST(a page of a million tasks stays small) {
  using enum event_kind;
  constexpr std::int64_t million = 1'000'000;
  run_report r;
  r.made_at = after(1000);
  auto& s = r.summary;
  s.run.created_at = start;
  s.run.finished_at = after(1000);
  s.run.state = run_state::succeeded;
  s.tasks.succeeded = million;
  auto f = four_children();
  f.slices = 240;
  f.end = after(2000);
  f.blocks = {{0, {1, 1}, 0}, {1, {2, million}, 1000}};
  replay teller{f};
  teller.add({1, 1, 0, 1, run_created, start, {}});
  for (std::int64_t i = 0; i < million; i += 1000) {
    teller.add(span(task_created, 2 + i, 1000, i / 1000));
    teller.add(span(task_started, 2 + i, 1000, i / 1000));
    teller.add(span(task_succeeded, 2 + i, 1000, i / 1000 + 3));
  }
  r.told = teller.finish();
  CAF_CHECK_EQUAL(r.told.maps.at(0).cells.size(), 1000u);
  CAF_CHECK_EQUAL(r.told.time.slices.back().leaves.succeeded, million);
  std::ostringstream out;
  write_page(out, r, "x.db");
  CAF_CHECK(out.str().find("1,000,000") != std::string::npos);
  CAF_CHECK_LESS(out.str().size(), 700'000u);
}

CAF_TEST(axes have round steps) {
  using steps = std::vector<std::int64_t>;
  CAF_CHECK_EQUAL(round_steps(10, 5), (steps{0, 2, 4, 6, 8, 10}));
  CAF_CHECK_EQUAL(round_steps(1'000'000, 2), (steps{0, 500'000, 1'000'000}));
  CAF_CHECK_EQUAL(round_steps(7, 5), (steps{0, 2, 4, 6, 8}));
  CAF_CHECK_EQUAL(round_steps(0, 5), (steps{0}));
  const auto ticks = time_ticks(90s, 6);
  CAF_REQUIRE_EQUAL(ticks.size(), 7u);
  CAF_CHECK_EQUAL(ticks[1].second, "15 s");
  // Kept: the check looks at what it is given after the expression has ended.
  const auto few = time_ticks(3ms, 8), many = time_ticks(48h, 8);
  CAF_CHECK_EQUAL(few[2].second, "2 ms");
  CAF_CHECK_EQUAL(many.back().second, "48 h");
}
