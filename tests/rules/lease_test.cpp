#define CAF_SUITE rules.lease

#include "actors/rules/lease_rules.hpp"

#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>
#include <conductor/lifecycle.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;
using enum task_state;

namespace {

task_group leased(std::int32_t attempt, std::int32_t lost) {
  return {.run = 1,
          .parent = 5,
          .tasks = {7, 3},
          .state = running,
          .attempt = attempt,
          .retry_count = 1,
          .lost_count = lost};
}

/// A segment of tasks as a store would have it after the moves.
task_segment after(const task_group& group,
                   const std::vector<move_tasks>& moves) {
  task_segment s{.tasks = group.tasks,
                 .state = group.state,
                 .attempt = group.attempt,
                 .retry_count = group.retry_count,
                 .lost_count = group.lost_count,
                 .engine = 1};
  for (const auto& m : moves) {
    CAF_CHECK(legal_leaf_move(m.from, m.to));
    CAF_CHECK(guard_holds(s, m, 1));
    s = apply_move(s, m, from_ms(1000), 1, true);
  }
  return s;
}

} // namespace

CAF_TEST(lost leases cost nothing up to the limit) {
  for (std::int32_t limit = 1; limit <= 4; ++limit)
    for (std::int32_t lost = 0; lost < limit; ++lost) {
      const auto moves = rules::plan_lost_lease(leased(lost + 1, lost), limit);
      const auto final = lost + 1 == limit;
      CAF_REQUIRE_EQUAL(moves.size(), final ? 1u : 2u);
      CAF_CHECK(moves[0].from == running);
      CAF_CHECK(moves[0].to == (final ? failed : retrying));
      CAF_CHECK(moves[0].lost && !moves[0].retried && !moves[0].budgeted);
      CAF_CHECK(moves[0].tasks == (task_range{7, 3}));
      CAF_CHECK_EQUAL(moves[0].error.empty(), !final);
      CAF_CHECK_EQUAL(moves[0].events.size(), final ? 2u : 1u);
      if (final) {
        const auto error = json::parse(moves[0].error);
        CAF_CHECK_EQUAL(error["type"], "lease_expired");
        CAF_CHECK_EQUAL(error["attempt"], lost + 1);
      } else {
        CAF_CHECK(moves[1].from == retrying);
        CAF_CHECK(moves[1].to == pending);
        CAF_CHECK(!moves[1].lost && !moves[1].retried);
        CAF_CHECK(moves[1].delay == milliseconds{0});
        CAF_CHECK_EQUAL(moves[1].attempt, lost + 1);
      }
      const auto s = after(leased(lost + 1, lost), moves);
      CAF_CHECK_EQUAL(s.lost_count, lost + 1);
      CAF_CHECK_EQUAL(s.retry_count, 1);
    }
}

CAF_TEST(a lease that is released in good order counts as nothing) {
  for (const std::int32_t lost : {0, 9, 99}) {
    const auto group = leased(12, lost);
    const auto moves = rules::plan_release(group, reason::stopped);
    CAF_REQUIRE_EQUAL(moves.size(), 2u);
    CAF_CHECK(moves[0].from == running && moves[0].to == retrying);
    CAF_CHECK(!moves[0].lost && !moves[0].retried && !moves[0].budgeted);
    CAF_CHECK_EQUAL(moves[0].events.at(0).payload,
                    R"({"attempt":12,"because":"stopped","lost_count":)"
                      + std::to_string(lost) + "}");
    CAF_CHECK(moves[1].to == pending);
    CAF_CHECK(moves[1].delay == milliseconds{0});
    const auto s = after(group, moves);
    CAF_CHECK(s.state == pending);
    CAF_CHECK_EQUAL(s.lost_count, lost);
    CAF_CHECK_EQUAL(s.retry_count, 1);
  }
}

CAF_TEST(stops before a loss do not fail a task) {
  // Nine orderly stops and one kill are one loss.
  task_group group = leased(1, 0);
  for (int stops = 0; stops < 9; ++stops) {
    const auto s = after(group, rules::plan_release(group, reason::stopped));
    group.attempt = s.attempt + 1;
    group.lost_count = s.lost_count;
  }
  const auto moves = rules::plan_lost_lease(group, 10);
  CAF_REQUIRE_EQUAL(moves.size(), 2u);
  CAF_CHECK(moves[0].to == retrying);
}

CAF_TEST(a cancelled group says why) {
  for (auto from : {pending, running, retrying}) {
    auto group = leased(2, 0);
    group.state = from;
    const auto move = rules::plan_cancel(group, "x");
    CAF_CHECK(move.from == from);
    CAF_CHECK(move.to == cancelled);
    CAF_CHECK_EQUAL(move.attempt, 2);
    CAF_CHECK(move.tasks == (task_range{7, 3}));
    CAF_CHECK_EQUAL(move.events.at(0).payload, R"({"reason":"x"})");
  }
}

CAF_TEST(outputs merge in the order of their tasks) {
  const auto move = [](task_key first, const char* output) {
    move_tasks m{.run = 1, .parent = 5, .tasks = {first, 1}};
    if (output)
      m.outputs.emplace_back(output);
    return m;
  };
  std::vector<move_tasks> moves{move(1, "1"),     move(2, "2"),
                                move(3, nullptr), move(4, nullptr),
                                move(5, "5"),     move(7, "7")};
  rules::merge_ranges(moves);
  CAF_REQUIRE_EQUAL(moves.size(), 4u);
  CAF_CHECK(moves[0].tasks == (task_range{1, 2}));
  CAF_CHECK(moves[0].outputs == (std::vector<std::string>{"1", "2"}));
  CAF_CHECK(moves[1].tasks == (task_range{3, 2}));
  CAF_CHECK(moves[1].outputs.empty());
  CAF_CHECK(moves[2].outputs == std::vector<std::string>{"5"});
  CAF_CHECK(moves[3].tasks == (task_range{7, 1}));
}

CAF_TEST(only neighbours merge) {
  const auto move = [](task_key first, std::int64_t count) {
    return rules::plan_cancel({.run = 1, .parent = 5, .tasks = {first, count}},
                              "x");
  };
  std::vector<move_tasks> none;
  rules::merge_ranges(none);
  CAF_CHECK(none.empty());
  std::vector<move_tasks> moves{move(1, 2), move(3, 1), move(4, 3),
                                move(8, 1), move(9, 1), move(10, 1)};
  moves[4].lost = true;
  rules::merge_ranges(moves);
  CAF_REQUIRE_EQUAL(moves.size(), 4u);
  CAF_CHECK(moves[0].tasks == (task_range{1, 6}));
  CAF_CHECK(moves[1].tasks == (task_range{8, 1}));
  CAF_CHECK(moves[2].tasks == (task_range{9, 1}));
  CAF_CHECK(moves[3].tasks == (task_range{10, 1}));
}

CAF_TEST(each refusal of a result has its reason) {
  const auto states
    = {pending, running, succeeded, retrying, failed, cancelled};
  const auto* expired = "lease_expired";
  const auto* settled = "already_settled";
  const auto* gone = "cancelled";
  const char* none = nullptr; // the same result was accepted before
  // Rows: the planned state; columns: how the task stands, in that order.
  const char* const table[3][6]
    = {{expired, expired, none, expired, settled, gone},
       {expired, expired, settled, none, settled, gone},
       {expired, expired, settled, expired, none, gone}};
  std::size_t row = 0;
  for (auto planned : {succeeded, retrying, failed}) {
    std::size_t column = 0;
    for (auto state : states) {
      refusal r{.task = 7,
                .planned_attempt = 2,
                .planned = planned,
                .state = state,
                .attempt = 2};
      const auto* expected = table[row][column++];
      const auto reason = late_reason(r);
      CAF_CHECK_EQUAL(std::string{reason.value_or("none")},
                      std::string{expected ? expected : "none"});
      r.attempt = 3;
      CAF_CHECK_EQUAL(std::string{late_reason(r).value_or("none")},
                      "stale_attempt");
    }
    ++row;
  }
}
