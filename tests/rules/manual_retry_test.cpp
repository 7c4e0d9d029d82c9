#define CAF_SUITE rules.manual_retry

#include "actors/rules/manual_retry_rules.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

using enum task_state;

task_group leaves(task_key first, std::int64_t count, task_state state,
                  std::int32_t attempt, std::int32_t retry_count) {
  return {.run = 7,
          .parent = 11,
          .tasks = {first, count},
          .state = state,
          .attempt = attempt,
          .retry_count = retry_count};
}

} // namespace

CAF_TEST(leaves parents and the run are reopened by one change set) {
  const run_record run{.key = 7, .state = run_state::failed};
  const auto plan = rules::plan_manual_retry(
    run, {leaves(12, 2, failed, 4, 3), leaves(14, 1, cancelled, 0, 0)},
    {{.task = 11, .run = 7, .state = failed}});
  CAF_REQUIRE_EQUAL(plan.parts.size(), 4u);
  const auto& both = std::get<move_tasks>(plan.parts[0]);
  CAF_CHECK(both.tasks == (task_range{12, 2}));
  CAF_CHECK_EQUAL(both.parent, 11);
  CAF_CHECK(both.from == failed && both.to == pending);
  CAF_CHECK_EQUAL(both.attempt, 4);
  CAF_CHECK(both.delay == milliseconds{0});   // due immediately
  CAF_CHECK(!both.retried && !both.budgeted); // not charged
  CAF_CHECK_EQUAL(both.events.front().payload,
                  R"({"by":"hand","retry_count":3})");
  const auto& other = std::get<move_tasks>(plan.parts[1]);
  CAF_CHECK(other.from == cancelled);
  CAF_CHECK_EQUAL(other.attempt, 0);
  const auto& parent = std::get<move_tasks>(plan.parts[2]);
  CAF_CHECK(parent.tasks == (task_range{11, 1}));
  CAF_CHECK(parent.from == failed && parent.to == pending);
  CAF_CHECK_EQUAL(parent.parent, 0);
  const auto& reopened = std::get<move_run>(plan.parts[3]);
  CAF_CHECK(reopened.from == run_state::failed);
  CAF_CHECK(reopened.to == run_state::running);
  CAF_CHECK(reopened.events.front().kind == event_kind::run_reopened);
  CAF_CHECK_EQUAL(reopened.events.front().payload,
                  R"({"from":"FAILED","tasks":3})");
}
