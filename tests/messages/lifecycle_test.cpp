#define CAF_SUITE messages.lifecycle

#include <conductor/lifecycle.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <conductor/event_payload.hpp>

#include "tests/support/describe.hpp"
#include "tests/support/dice.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::describe;
using test::dice;

namespace {

using enum task_state;

const std::vector<task_state> states{pending,  running, succeeded,
                                     retrying, failed,  cancelled};
const std::vector<run_state> run_states{run_state::pending, run_state::running,
                                        run_state::succeeded, run_state::failed,
                                        run_state::cancelled};

constexpr std::int64_t this_engine = 7;
const timestamp created = from_ms(1'000), at = from_ms(9'000);

task_segment segment(task_state state, std::int32_t attempt = 1) {
  task_segment s;
  s.tasks = {10, 1};
  s.state = state;
  s.attempt = attempt;
  s.engine = state == running ? this_engine : 0;
  s.created_at = s.updated_at = created;
  if (state == pending || state == retrying)
    s.due = created;
  return s;
}

move_tasks move_of(task_state from, task_state to, std::int32_t attempt = 1) {
  move_tasks m;
  m.tasks = {10, 1};
  m.from = from;
  m.attempt = attempt;
  m.to = to;
  return m;
}

} // namespace

// -- single moves -------------------------------------------------------------

CAF_TEST(a guard holds for its state and attempt only) {
  for (auto is : states)
    for (auto from : states)
      for (auto attempt : {0, 1, 2}) {
        const auto holds = guard_holds(
          segment(is), move_of(from, succeeded, attempt), this_engine);
        CAF_CHECK_EQUAL(holds, is == from && attempt == 1);
      }
}

CAF_TEST(a lease is settled by its engine) {
  for (auto to : states)
    for (auto engine : {this_engine, this_engine + 1})
      for (auto lost : {false, true}) {
        auto m = move_of(running, to);
        m.lost = lost;
        CAF_CHECK_EQUAL(guard_holds(segment(running), m, engine),
                        engine == this_engine || lost || to == cancelled);
      }
}

CAF_TEST(what a move changes) {
  for (auto leaf : {false, true})
    for (auto from : states)
      for (auto to : states)
        for (auto flags = 0; flags < 4; ++flags) {
          auto m = move_of(from, to);
          m.retried = flags & 1;
          m.lost = flags & 2;
          m.delay = milliseconds{50};
          const auto before = segment(from);
          const auto s = apply_move(before, m, at, this_engine, leaf);
          auto expected = before;
          expected.state = to;
          expected.updated_at = at;
          expected.retry_count = flags & 1;
          expected.lost_count = flags >> 1;
          expected.engine = to == running ? this_engine : 0;
          expected.attempt = to == running ? 2 : 1;
          if (to == running)
            expected.started_at = at;
          expected.due.reset();
          if (leaf && (to == pending || to == retrying))
            expected.due = at + milliseconds{50};
          CAF_CHECK_EQUAL(describe(s), describe(expected));
        }
}

CAF_TEST(an attempt is dated by how long it ran) {
  for (std::int64_t ran : {-1, 0, 5, 8'000, 8'001}) {
    auto m = move_of(running, succeeded);
    m.ran = milliseconds{ran};
    auto s = segment(running);
    s.started_at = from_ms(2'000);
    const auto known = ran >= 0 && ran <= 8'000;
    CAF_CHECK_EQUAL(to_ms(apply_move(s, m, at, this_engine, true).started_at),
                    known ? 9'000 - ran : 2'000);
    m.from = retrying; // an attempt that has ended is not dated again
    s.state = retrying;
    CAF_CHECK_EQUAL(to_ms(apply_move(s, m, at, this_engine, true).started_at),
                    2'000);
  }
}

CAF_TEST(events lead where moves lead) {
  const auto after = [](event_kind kind, bool retries = false) {
    return state_after(kind, retries);
  };
  CAF_CHECK(after(event_kind::task_created) == pending);
  CAF_CHECK(after(event_kind::task_started) == running);
  CAF_CHECK(after(event_kind::task_succeeded) == succeeded);
  CAF_CHECK(after(event_kind::task_failed, true) == retrying);
  CAF_CHECK(after(event_kind::task_failed, false) == failed);
  CAF_CHECK(after(event_kind::task_retried) == pending);
  CAF_CHECK(after(event_kind::task_retries_exhausted) == failed);
  CAF_CHECK(after(event_kind::task_lease_expired) == retrying);
  CAF_CHECK(after(event_kind::task_cancelled) == cancelled);
  for (auto kind : {event_kind::task_stuck, event_kind::task_late_result,
                    event_kind::run_started, event_kind::fanout_detected,
                    event_kind::task_aggregated, event_kind::health_changed})
    CAF_CHECK(!after(kind));
}

CAF_TEST(reasons why a result came too late) {
  for (auto is : states)
    for (auto planned : states)
      for (auto attempt : {1, 2}) {
        const refusal r{.task = 1,
                        .planned_attempt = 1,
                        .planned = planned,
                        .state = is,
                        .attempt = attempt};
        const auto why = late_reason(r);
        if (attempt == 2)
          CAF_CHECK(why == "stale_attempt");
        else if (is == cancelled)
          CAF_CHECK(why == "cancelled");
        else if (is == planned)
          CAF_CHECK(!why);
        else
          CAF_CHECK(why == (settled(is) ? "already_settled" : "lease_expired"));
      }
  CAF_CHECK(!late_reason({.task = 1,
                          .planned_attempt = 1,
                          .planned = succeeded,
                          .state = task_state{}}));
}

// -- runs and parents ---------------------------------------------------------

CAF_TEST(moves of runs) {
  for (auto is : run_states)
    for (auto from : run_states)
      for (auto to : run_states)
        for (std::int64_t done : {1, 2}) {
          run_record run;
          run.state = is;
          run.tasks = 2;
          run.succeeded = done;
          run.started_at = from_ms(5);
          run.finished_at = from_ms(6);
          const move_run m{1, from, to, {}};
          const auto holds = is == from && legal_run_move(from, to)
                             && (!settled(to) || done == 2);
          CAF_CHECK_EQUAL(may_move(run, m), holds);
          if (!holds)
            continue;
          auto expected = run;
          expected.state = to;
          expected.updated_at = at;
          if (from == run_state::pending && to == run_state::running)
            expected.started_at = at;
          expected.finished_at = settled(to) ? at : no_time;
          apply_move(run, m, at);
          CAF_CHECK_EQUAL(describe(run), describe(expected));
        }
}

CAF_TEST(top - level tasks are counted where they settle) {
  for (auto from : states)
    for (auto to : states) {
      run_record run;
      run.succeeded = run.failed = run.cancelled = 10;
      const auto changed = count_top_level(run, from, to, 3);
      CAF_CHECK_EQUAL(changed, settled(from) || settled(to));
      const auto expected = [&](task_state s) {
        return 10 + (to == s ? 3 : 0) - (from == s ? 3 : 0);
      };
      CAF_CHECK_EQUAL(run.succeeded, expected(succeeded));
      CAF_CHECK_EQUAL(run.failed, expected(failed));
      CAF_CHECK_EQUAL(run.cancelled, expected(cancelled));
    }
}

CAF_TEST(children are counted in every state) {
  for (auto from : states)
    for (auto to : states) {
      parent_record p;
      p.total = 100;
      p.expanded = 60;
      p.children = {40, 10, 10, 10, 10, 10, 10};
      auto expected = p.children;
      expected[from] -= 3;
      expected[to] += 3;
      count_children(p, from, to, 3);
      CAF_CHECK_EQUAL(describe(p.children), describe(expected));
    }
}

CAF_TEST(expansions) {
  for (auto state : states)
    for (std::int64_t first = 0; first <= 5; ++first)
      for (std::int64_t count = -1; count <= 5; ++count)
        for (const auto* error : {"", "{}"}) {
          parent_record p;
          p.state = state;
          p.total = 6;
          p.expanded = 2;
          p.expansion_error = error;
          expand_parent e;
          e.first = first;
          e.count = count;
          const auto holds = state == pending && !*error && first == 3
                             && count >= 0 && count <= 4;
          CAF_CHECK_EQUAL(may_expand({}, p, e), holds);
          if (!holds)
            continue;
          apply_expansion(p, e);
          CAF_CHECK_EQUAL(p.expanded, 2 + count);
          CAF_CHECK_EQUAL(p.children.pending, 2 + count);
          CAF_CHECK_EQUAL(p.children.not_created, 4 - count);
        }
}

CAF_TEST(an error ends an expansion) {
  parent_record p;
  p.total = 6;
  p.expanded = 2;
  expand_parent e;
  e.first = 3;
  e.count = 1;
  e.expansion_error = R"({"type":"x"})";
  apply_expansion(p, e);
  CAF_CHECK_EQUAL(p.total, 3);
  CAF_CHECK_EQUAL(p.children.not_created, 0);
  CAF_CHECK_EQUAL(p.expansion_error, e.expansion_error);
  e.first = 4;
  e.count = 0;
  CAF_CHECK(!may_expand({}, p, e));
}

// -- splitting segments -------------------------------------------------------

namespace {

/// Segments in order, some of them next to each other, with gaps.
std::vector<task_segment> random_segments(dice& d) {
  std::vector<task_segment> out;
  auto next = d.pick(1, 4);
  for (auto n = d.pick(0, 6); n > 0; --n) {
    next += d.chance(30) ? d.pick(1, 3) : 0;
    auto s = segment(d.one_of(states), static_cast<std::int32_t>(d.pick(0, 2)));
    s.tasks = {next, d.pick(1, 6)};
    s.retry_count = static_cast<std::int32_t>(d.pick(0, 1));
    if (s.state == running && d.chance(20))
      s.engine = this_engine + 1;
    next = s.tasks.end();
    out.push_back(s);
  }
  return out;
}

move_tasks random_move(dice& d, const std::vector<task_segment>& segments) {
  auto m = move_of(d.one_of(states), d.one_of(states),
                   static_cast<std::int32_t>(d.pick(0, 2)));
  if (!segments.empty() && d.chance(80)) { // what meets one of them
    const auto& s = d.one_of(segments);
    m.from = s.state;
    m.attempt = s.attempt;
  }
  m.tasks = {d.pick(0, 20), d.pick(0, 15)};
  m.delay = milliseconds{d.pick(0, 9)};
  m.lost = d.chance(20);
  m.retried = d.chance(20);
  return m;
}

std::map<task_key, task_segment>
by_task(const std::vector<task_segment>& segments) {
  std::map<task_key, task_segment> out;
  for (const auto& s : segments)
    for (auto key = s.tasks.first; key < s.tasks.end(); ++key) {
      auto one = s;
      one.tasks = {key, 1};
      out.emplace(key, one);
    }
  return out;
}

/// The same with a row per task.
struct row_model {
  std::map<task_key, task_segment> rows;
  std::set<task_key> moved;
  std::vector<refusal> refusals;

  void apply(const move_tasks& m, bool leaf) {
    for (auto key = m.tasks.first; key < m.tasks.end(); ++key) {
      const auto row = rows.find(key);
      if (row != rows.end() && legal_task_move(leaf, m.from, m.to)
          && guard_holds(row->second, m, this_engine)) {
        row->second = apply_move(row->second, m, at, this_engine, leaf);
        moved.insert(key);
        continue;
      }
      refusal r{.task = key,
                .planned_attempt = m.attempt,
                .planned = m.to,
                .state = task_state{}};
      if (row != rows.end()) {
        r.state = row->second.state;
        r.attempt = row->second.attempt;
      }
      refusals.push_back(r);
    }
  }
};

/// What is wrong with the ranges that moved; empty = nothing.
std::string check_ranges(const std::vector<task_range>& ranges,
                         const std::set<task_key>& moved) {
  std::set<task_key> found;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].count < 1)
      return "an empty range";
    if (i > 0 && ranges[i].first <= ranges[i - 1].end())
      return "ranges out of order, or that should be one";
    for (auto key = ranges[i].first; key < ranges[i].end(); ++key)
      found.insert(key);
  }
  return found == moved ? "" : "other tasks have moved";
}

/// Pieces must be sorted, disjoint, and within the segments that they replace.
std::string check_pieces(const std::vector<task_segment>& segments,
                         const std::vector<task_segment>& pieces) {
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto& tasks = pieces[i].tasks;
    if (tasks.count < 1)
      return "an empty piece";
    if (i > 0 && tasks.first < pieces[i - 1].tasks.end())
      return "pieces overlap or are out of order";
    const auto within = std::ranges::any_of(segments, [&](const auto& s) {
      return s.tasks.first <= tasks.first && tasks.end() <= s.tasks.end();
    });
    if (!within)
      return "a piece of two segments";
  }
  return "";
}

std::string check_split(std::uint64_t seed) {
  dice d{seed};
  const auto segments = random_segments(d);
  const auto m = random_move(d, segments);
  const auto leaf = d.chance(80);
  const auto split = split_segments(segments, m, at, this_engine, leaf);
  row_model model{by_task(segments), {}, {}};
  model.apply(m, leaf);
  if (by_task(split.pieces) != model.rows)
    return "tasks are not as they should be";
  if (split.refusals != model.refusals)
    return "refusals are not as they should be";
  if (auto wrong = check_ranges(split.moved, model.moved); !wrong.empty())
    return wrong;
  return check_pieces(segments, split.pieces);
}

} // namespace

CAF_TEST(splitting agrees with a row per task) {
  std::size_t moved = 0, refused = 0, cuts = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    const auto wrong = check_split(seed);
    if (!wrong.empty())
      CAF_FAIL("seed " << seed << ": " << wrong);
    dice d{seed};
    const auto segments = random_segments(d);
    const auto m = random_move(d, segments);
    const auto split
      = split_segments(segments, m, at, this_engine, d.chance(80));
    moved += split.moved.size();
    refused += split.refusals.size();
    cuts += split.pieces.size() > segments.size();
  }
  // The dice must have rolled everything that is to be tested.
  CAF_CHECK(moved > 1'000);
  CAF_CHECK(refused > 2'000);
  CAF_CHECK(cuts > 1'000);
}

CAF_TEST(the middle of a segment) {
  auto s = segment(running);
  s.tasks = {10, 10};
  auto m = move_of(running, succeeded);
  m.tasks = {13, 4};
  const auto split = split_segments({s}, m, at, this_engine, true);
  std::vector<task_range> pieces;
  for (const auto& piece : split.pieces)
    pieces.push_back(piece.tasks);
  const std::vector<task_range> expected{{10, 3}, {13, 4}, {17, 3}};
  CAF_CHECK_EQUAL(describe(pieces), describe(expected));
  CAF_CHECK_EQUAL(describe(split.moved),
                  describe(std::vector<task_range>{{13, 4}}));
  CAF_CHECK(split.refusals.empty());
}

CAF_TEST(parts of segments) {
  auto s = segment(pending);
  s.tasks = {10, 5};
  CAF_CHECK(!cut(s, {5, 5}));
  CAF_CHECK(!cut(s, {15, 5}));
  CAF_CHECK(!cut(s, {12, 0}));
  CAF_CHECK_EQUAL(describe(cut(s, {0, 99})->tasks), describe(s.tasks));
  CAF_CHECK_EQUAL(describe(cut(s, {8, 4})->tasks), describe(task_range{10, 2}));
  CAF_CHECK_EQUAL(describe(cut(s, {14, 9})->tasks),
                  describe(task_range{14, 1}));
}

// -- children -----------------------------------------------------------------

CAF_TEST(names and inputs of children) {
  CAF_CHECK_EQUAL(child_name("p", 12), "p#12");
  fanout_source source;
  source.kind = source_kind::range;
  source.from = 10, source.step = -3;
  CAF_CHECK_EQUAL(derived_item(source, 1), "10");
  CAF_CHECK_EQUAL(derived_item(source, 5), "-2");
  source.kind = source_kind::count;
  CAF_CHECK_EQUAL(derived_item(source, 5), "5");
  CAF_CHECK_EQUAL(shared_input(R"({"b":1,"fanout":[1],"a":2})"),
                  R"({"a":2,"b":1})");
  for (const auto* text : {"", "[1]", "{", "7"})
    CAF_CHECK_EQUAL(shared_input(text), "{}");
  CAF_CHECK_EQUAL(child_input(R"({"a":2,"item":0})", 3, R"({"x":[1]})"),
                  R"({"a":2,"index":3,"item":{"x":[1]}})");
  CAF_CHECK_EQUAL(child_input("{", 1, "null"), R"({"index":1,"item":null})");
}
