#define CAF_SUITE rules.lease

#include "actors/rules/lease_rules.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using enum task_state;

namespace {

constexpr auto now = from_ms(1'767'225'600'000);

} // namespace

CAF_TEST(a claim leases consecutive tasks) {
  const auto move = rules::plan_claim({7, 1, 5, 2, 2, 0}, 10, now,
                                      now + milliseconds{30'000});
  CAF_CHECK(move.tasks == (task_range{7, 10}));
  CAF_CHECK(move.from == pending);
  CAF_CHECK(move.to == running);
  CAF_CHECK_EQUAL(move.attempt, 2);
  CAF_CHECK(move.until == now + milliseconds{30'000});
  CAF_CHECK_EQUAL(move.events.at(0).payload, R"({"attempt":3})");
}

CAF_TEST(lost leases cost nothing up to the limit) {
  for (std::int32_t limit = 1; limit <= 4; ++limit)
    for (std::int32_t lost = 0; lost < limit; ++lost) {
      const auto moves
        = rules::plan_lost_lease({7, 1, 5, lost + 1, 1, lost}, limit, now);
      const auto final = lost + 1 == limit;
      CAF_REQUIRE_EQUAL(moves.size(), final ? 1u : 2u);
      CAF_CHECK(moves[0].from == running);
      CAF_CHECK(moves[0].to == (final ? failed : retrying));
      CAF_CHECK(moves[0].lost && !moves[0].retried);
      CAF_CHECK_EQUAL(moves[0].error.empty(), !final);
      CAF_CHECK_EQUAL(moves[0].events.size(), final ? 2u : 1u);
      if (!final) {
        CAF_CHECK(moves[1].from == retrying);
        CAF_CHECK(moves[1].to == pending);
        CAF_CHECK(!moves[1].lost && !moves[1].retried);
        CAF_CHECK(moves[1].until == now);
        CAF_CHECK_EQUAL(moves[1].attempt, lost + 1);
      }
    }
}

CAF_TEST(who stops in good order gives back and fails nothing) {
  const auto moves = rules::plan_give_back({7, 1, 5, 12, 1, 99}, now);
  CAF_REQUIRE_EQUAL(moves.size(), 2u);
  CAF_CHECK(moves[0].from == running && moves[0].to == retrying);
  CAF_CHECK(moves[0].lost);
  CAF_CHECK_EQUAL(moves[0].events.at(0).payload,
                  R"({"attempt":12,"because":"stopped","lost_count":100})");
  CAF_CHECK(moves[1].to == pending);
}

CAF_TEST(a cancelled task says why) {
  for (auto from : {pending, running, retrying}) {
    const auto move = rules::plan_cancel({7, 1, 5, 2, 1, 0}, from, "x", now);
    CAF_CHECK(move.from == from);
    CAF_CHECK(move.to == cancelled);
    CAF_CHECK_EQUAL(move.events.at(0).payload, R"({"reason":"x"})");
  }
}

CAF_TEST(each refusal is judged) {
  using enum rules::late_reason;
  const auto state_order
    = {pending, running, succeeded, retrying, failed, task_state::cancelled};
  // Rows: what was planned; columns: how the task stands, in that order.
  const rules::late_reason table[3][6]
    = {{lease_expired, lease_expired, duplicate, lease_expired, already_settled,
        rules::late_reason::cancelled},
       {lease_expired, lease_expired, already_settled, duplicate,
        already_settled, rules::late_reason::cancelled},
       {lease_expired, lease_expired, already_settled, lease_expired, duplicate,
        rules::late_reason::cancelled}};
  std::size_t row = 0;
  for (auto planned : {succeeded, retrying, failed}) {
    std::size_t column = 0;
    for (auto state : state_order) {
      CAF_CHECK(rules::judge({7, 2, planned, state, 2}) == table[row][column]);
      CAF_CHECK(rules::judge({7, 2, planned, state, 3}) == stale_attempt);
      const auto notes
        = rules::plan_late_results(1, {{7, 2, planned, state, 2}}, now);
      CAF_CHECK_EQUAL(notes.empty(), table[row][column] == duplicate);
      ++column;
    }
    ++row;
  }
}

CAF_TEST(what tasks gave merges by their side) {
  const auto move = [](task_key first, const char* output) {
    task_move m{.run = 1, .parent = 5, .tasks = {first, 1}};
    if (output)
      m.outputs.emplace_back(output);
    return m;
  };
  std::vector<task_move> moves{move(1, "1"),     move(2, "2"), move(3, nullptr),
                               move(4, nullptr), move(5, "5"), move(7, "7")};
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
    return rules::plan_claim({first, 1, 5, 0, 0, 0}, count, now, now);
  };
  std::vector<task_move> none;
  rules::merge_ranges(none);
  CAF_CHECK(none.empty());
  std::vector<task_move> moves{move(1, 2), move(3, 1), move(4, 3),
                               move(8, 1), move(9, 1), move(10, 1)};
  moves[4].lost = true;
  rules::merge_ranges(moves);
  CAF_REQUIRE_EQUAL(moves.size(), 4u);
  CAF_CHECK(moves[0].tasks == (task_range{1, 6}));
  CAF_CHECK(moves[1].tasks == (task_range{8, 1}));
  CAF_CHECK(moves[2].tasks == (task_range{9, 1}));
  CAF_CHECK(moves[3].tasks == (task_range{10, 1}));
}
