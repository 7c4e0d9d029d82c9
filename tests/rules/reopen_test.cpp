#define CAF_SUITE rules.reopen

#include "actors/rules/reopen_rules.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

constexpr auto now = from_ms(1'700'000'000'000);
using enum task_state;

} // namespace

CAF_TEST(leaves parents and the run are taken up in one change set) {
  const run_record run{.key = 7, .state = run_state::failed};
  const auto plan
    = rules::plan_reopening(run,
                            {{{12, 7, 11, 4, 3, 0}, failed},
                             {{13, 7, 11, 4, 3, 0}, failed},
                             {{14, 7, 11, 0, 0, 0}, cancelled}},
                            {{.task = 11, .run = 7, .state = failed}}, now);
  CAF_REQUIRE_EQUAL(plan.moves.size(), 3u);
  const auto& both = plan.moves[0];
  CAF_CHECK(both.tasks == (task_range{12, 2}));
  CAF_CHECK(both.from == failed && both.to == pending);
  CAF_CHECK_EQUAL(both.attempt, 4);
  CAF_CHECK(both.until == now); // due at once
  CAF_CHECK(!both.retried);     // not charged
  CAF_CHECK_EQUAL(both.events.front().payload,
                  R"({"by":"hand","retry_count":3})");
  CAF_CHECK(plan.moves[1].from == cancelled);
  CAF_CHECK_EQUAL(plan.moves[1].attempt, 0);
  const auto& parent = plan.moves[2];
  CAF_CHECK(parent.tasks == (task_range{11, 1}));
  CAF_CHECK_EQUAL(parent.parent, 0);
  CAF_REQUIRE_EQUAL(plan.run_moves.size(), 1u);
  CAF_CHECK(plan.run_moves[0].from == run_state::failed);
  CAF_CHECK(plan.run_moves[0].to == run_state::running);
  CAF_CHECK(plan.run_moves[0].events.front().kind == event_kind::run_reopened);
}
