#include "tests/store/workbench.hpp"

/// Every part may be refused: it is reported, writes nothing, and the others
/// stand.
namespace conductor::test {

namespace {

using enum task_state;

constexpr task_state no_state{};

void refusals_name_their_part(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b")});
  const auto reply
    = w.apply_parts(append_event{7, 0, fanout_started()}, // no such run
                    w.plan(0, {1, 1}, pending, 0, running),
                    w.plan(0, {1, 2}, running, 1, failed), // b is not leased
                    append_event{1, 9, fanout_started()}); // no such task
  require_same("refusals", reply.refusals,
               {{0, 0, 0, no_state, no_state, 0},
                {2, 2, 1, failed, pending, 0},
                {3, 9, 0, no_state, no_state, 0}});
  require_same("the others stand", w.task(1).state, failed);
}

void events_of_what_is_not_there_are_refused(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), parent("p", 2)});
  w.submit({leaf("b")});
  const auto before = w.reader->last_event();
  for (const auto& [run, task] :
       std::vector<std::pair<run_key, task_key>>{{3, 0},
                                                 {1, 5},
                                                 {1, 3},
                                                 {0, 1},
                                                 {2, 1},
                                                 {new_run, 0},
                                                 {new_run, new_task(0)}}) {
    const auto reply = w.apply_parts(append_event{run, task, fanout_started()});
    require_same("event of " + std::to_string(run) + ", "
                   + std::to_string(task),
                 reply.refusals.size(), std::size_t{1});
  }
  require_same("no events", w.reader->last_event(), before);
  require_same(
    "of no run",
    w.apply_parts(append_event{0, 0, health_changed("a", "b", {})}).refusals,
    {});
}

void illegal_moves_are_refused(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), parent("p", 1)});
  require_same("a leaf",
               w.move(w.plan(0, {1, 1}, pending, 0, succeeded)).refusals,
               {{0, 1, 0, succeeded, pending, 0}});
  require_same("a parent",
               w.move(w.plan(0, {2, 1}, pending, 0, running)).refusals,
               {{0, 2, 0, running, pending, 0}});
  // What is legal for one task of a range only moves that one.
  require_same("both", w.move(w.plan(0, {1, 2}, pending, 0, running)).refusals,
               {{0, 2, 0, running, pending, 0}});
  require_same("leaf", w.task(1).state, running);
  require_same(
    "run",
    w.apply_parts(move_run{1, run_state::pending, run_state::succeeded, {}})
      .refusals,
    {{0, 0, 0, succeeded, pending, 0}});
  require_same("still", w.run(1).state, run_state::pending);
}

void moves_of_what_is_not_there_are_refused(const store_factory& make) {
  workbench w{make};
  w.submit_children(2);
  w.submit({leaf("a")});
  auto other_run = w.plan(1, {2, 1}, pending, 0, running);
  other_run.run = 2;
  require("another run", !w.move(other_run).refusals.empty());
  auto no_run = other_run;
  no_run.run = 9;
  require("no such run", !w.move(no_run).refusals.empty());
  require("no parent",
          !w.move(w.plan(0, {2, 1}, pending, 0, running)).refusals.empty());
  require("another parent",
          !w.move(w.plan(4, {2, 1}, pending, 0, running)).refusals.empty());
  // The range of a parent's children ends where the next run begins.
  require_same("beyond",
               w.move(w.plan(1, {3, 3}, pending, 0, running)).refusals.size(),
               std::size_t{2});
  require_same("child", w.task(2).state, pending);
  require_same("next run", w.task(4).state, pending);
  require_same("counts", w.progress(1).children,
               state_counts{.pending = 1, .running = 1});
  require_same("no such run", w.apply_parts(start_of_run(9)).refusals,
               {{0, 0, 0, running, no_state, 0}});
}

void results_that_come_too_late_are_reported(const store_factory& make) {
  workbench w{make};
  w.submit_children(7);
  w.lease(1, {2, 6}, 0);
  const auto to = [&](task_key key, task_state state) {
    w.move(w.plan(1, {key, 1}, running, 1, state));
  };
  to(2, succeeded);
  to(3, cancelled);
  to(4, retrying);
  to(5, failed);
  to(6, retrying);
  w.move(w.plan(1, {6, 1}, retrying, 1, pending));
  w.lease(1, {6, 1}, 1);
  w.now += milliseconds{50};
  auto late = w.plan(1, {2, 7}, running, 1, succeeded);
  late.events = {task_succeeded(1)};
  late.report_late = true;
  const auto result = w.commit_parts(append_event{1, 0, fanout_started()}, late,
                                     append_event{1, 0, fanout_started()});
  require_same("refusals", result.replies[0].refusals,
               {{1, 2, 1, succeeded, succeeded, 1},
                {1, 3, 1, succeeded, cancelled, 1},
                {1, 4, 1, succeeded, retrying, 1},
                {1, 5, 1, succeeded, failed, 1},
                {1, 6, 1, succeeded, running, 2},
                {1, 8, 1, succeeded, pending, 0}});
  std::vector<std::string> said;
  for (const auto& e : result.fact.events) {
    require_same("date", e.at, w.now);
    said.push_back(std::to_string(e.first) + " " + to_string(e.kind) + " "
                   + e.payload);
  }
  const auto late_result = [](task_key task, const char* why) {
    return std::to_string(task) + " task.late_result "
           + task_late_result(1, why).payload;
  };
  require_same(
    "events", said,
    {"0 worker.fanout.started {}", R"(7 task.succeeded {"attempt":1})",
     late_result(3, "cancelled"), late_result(4, "lease_expired"),
     late_result(5, "already_settled"), late_result(6, "stale_attempt"),
     late_result(8, "stale_attempt"), "0 worker.fanout.started {}"});
}

void nothing_is_reported_of_tasks_that_do_not_exist(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 4)});
  w.expand(1, 1, 1);
  w.submit({leaf("a")});
  auto late = w.plan(1, {2, 5}, running, 0, succeeded);
  late.report_late = true;
  const auto result = w.commit_parts(late);
  require_same("refused", result.replies[0].refusals.size(), std::size_t{5});
  std::vector<task_key> reported;
  for (const auto& e : result.fact.events)
    reported.push_back(e.first);
  require_same("reported", reported, {2});
}

} // namespace

const std::vector<conformance_case>& refusal_cases() {
  static const std::vector<conformance_case> cases{
    {"refusals name their part", refusals_name_their_part},
    {"events of what is not there are refused",
     events_of_what_is_not_there_are_refused},
    {"illegal moves are refused", illegal_moves_are_refused},
    {"moves of what is not there are refused",
     moves_of_what_is_not_there_are_refused},
    {"results that come too late are reported",
     results_that_come_too_late_are_reported},
    {"nothing is reported of tasks that do not exist",
     nothing_is_reported_of_tasks_that_do_not_exist},
  };
  return cases;
}

} // namespace conductor::test
