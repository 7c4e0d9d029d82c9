#include "tests/store/workbench.hpp"

/// Groups: how the engine asks what it has to work on.
namespace conductor::test {

namespace {

using enum task_state;
using kind = group_query::kind;

void groups_of_a_range(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 6), leaf("a")}); // children 3…8
  w.expand(1, 1, 5);
  w.lease(1, {4, 2}, 0);
  const auto due = w.now;
  require_same("all", w.groups({.keys = {2, 99}}),
               {{1, 0, {2, 1}, pending, 0, 0, 0, due},
                {1, 1, {3, 1}, pending, 0, 0, 0, due},
                {1, 1, {4, 2}, running, 1, 0, 0, no_time},
                {1, 1, {6, 2}, pending, 0, 0, 0, due}});
  require_same("part", w.groups({.keys = {5, 2}}),
               {{1, 1, {5, 1}, running, 1, 0, 0, no_time},
                {1, 1, {6, 1}, pending, 0, 0, 0, due}});
  require_same("after", w.groups({.keys = {1, 99}, .after = 6}),
               {{1, 1, {7, 1}, pending, 0, 0, 0, due}});
  require_same("limit", w.groups({.keys = {4, 99}, .limit = 1}),
               {{1, 1, {4, 2}, running, 1, 0, 0, no_time}});
  require_same("none", w.groups({.keys = {8, 9}}), {});
}

void unsettled_children(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 6), parent("q", 2)}); // 3…8, 9…10
  w.expand(1, 1, 6);
  w.expand(2, 1, 2);
  w.lease(1, {3, 3}, 0);
  w.move(w.plan(1, {3, 1}, running, 1, succeeded));
  w.move(w.plan(1, {4, 1}, running, 1, retrying));
  w.move(w.plan(1, {7, 1}, pending, 0, cancelled));
  const auto at = w.now;
  const auto later = at + milliseconds{1'000};
  require_same("of p", w.groups({.of = kind::unsettled, .parent = 1}),
               {{1, 1, {4, 1}, retrying, 1, 0, 0, later},
                {1, 1, {5, 1}, running, 1, 0, 0, no_time},
                {1, 1, {6, 1}, pending, 0, 0, 0, at},
                {1, 1, {8, 1}, pending, 0, 0, 0, at}});
  require_same("after",
               w.groups({.of = kind::unsettled, .parent = 1, .after = 5}),
               {{1, 1, {6, 1}, pending, 0, 0, 0, at},
                {1, 1, {8, 1}, pending, 0, 0, 0, at}});
  require_same("limit",
               w.groups({.of = kind::unsettled, .parent = 1, .limit = 1}),
               {{1, 1, {4, 1}, retrying, 1, 0, 0, later}});
  require_same("of a leaf", w.groups({.of = kind::unsettled, .parent = 3}), {});
}

void retries_due_soonest_first(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), leaf("c")});
  for (task_key key = 1; key <= 3; ++key) {
    w.lease(0, {key, 1}, 0);
    auto fails = w.plan(0, {key, 1}, running, 1, retrying);
    fails.delay = milliseconds{100 * (4 - key)};
    w.move(fails);
  }
  const auto due
    = [&](task_key key) { return w.now + milliseconds{100 * (4 - key)}; };
  const task_group second{1, 0, {2, 1}, retrying, 1, 0, 0, due(2)};
  const task_group third{1, 0, {3, 1}, retrying, 1, 0, 0, due(3)};
  require_same("retries", w.groups({.of = kind::retries_due, .now = due(2)}),
               {third, second});
  require_same("limit",
               w.groups({.of = kind::retries_due, .now = due(2), .limit = 1}),
               {third});
  require_same("next", w.reader->next_due_at(), std::optional{due(3)});
}

void waiting_longest_first(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b")});
  w.lease(0, {1, 1}, 0);
  const auto start = w.now;
  w.now += milliseconds{100};
  w.submit({leaf("c")});
  const auto second = w.now;
  w.now += milliseconds{100};
  w.apply_parts(w.plan(0, {1, 1}, running, 1, retrying),
                w.plan(0, {1, 1}, retrying, 1, pending));
  const auto waiting = [&](timestamp now) {
    return w.groups({.of = kind::waiting, .now = now});
  };
  require_same("all", waiting(w.now),
               {{1, 0, {2, 1}, pending, 0, 0, 0, start},
                {2, 0, {3, 1}, pending, 0, 0, 0, second},
                {1, 0, {1, 1}, pending, 1, 0, 0, w.now}});
  require_same("then", waiting(start),
               {{1, 0, {2, 1}, pending, 0, 0, 0, start}});
}

void what_has_waited_longest(const store_factory& make) {
  workbench w{make};
  using since = std::optional<timestamp>;
  require_same("nothing", w.reader->oldest_due(w.now), since{});
  const auto start = w.now;
  w.submit({parent("p", 2)});
  require_same("no child yet", w.reader->oldest_due(w.now), since{});
  w.now += milliseconds{100};
  w.expand(1, 1, 2);
  require_same("a child", w.reader->oldest_due(w.now), since{w.now});
  w.lease(1, {2, 2}, 0);
  require_same("all leased", w.reader->oldest_due(w.now), since{});
  w.now += milliseconds{100};
  w.submit({leaf("a")});
  require_same("a leaf", w.reader->oldest_due(w.now), since{w.now});
  require_same("not yet due", w.reader->oldest_due(start), since{});
}

void nothing_of_a_living_engine_is_abandoned(const store_factory& make) {
  workbench w{make};
  w.submit_children(3);
  w.claim(2);
  require_same("abandoned", w.groups({.of = kind::abandoned}), {});
}

} // namespace

const std::vector<conformance_case>& group_cases() {
  static const std::vector<conformance_case> cases{
    {"groups of a range", groups_of_a_range},
    {"unsettled children", unsettled_children},
    {"retries due soonest first", retries_due_soonest_first},
    {"waiting longest first", waiting_longest_first},
    {"what has waited longest", what_has_waited_longest},
    {"nothing of a living engine is abandoned",
     nothing_of_a_living_engine_is_abandoned},
  };
  return cases;
}

} // namespace conductor::test
