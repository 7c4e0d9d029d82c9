#include "tests/store/workbench.hpp"

/// What tasks wait for: other tasks, and a time.
namespace conductor::test {

namespace {

using enum task_state;

/// A leaf that waits for the tasks at some places.
task_submission waiting(const std::string& name,
                        std::vector<std::int32_t> places,
                        condition when = condition::succeeded) {
  auto task = leaf(name);
  task.after = std::move(places);
  task.spec.when = when;
  return task;
}

/// Leases a top-level task whose turn it is, and settles it.
batch_result settle(workbench& w, task_key task, task_state to) {
  w.lease(0, {task, 1}, 0);
  return w.commit_parts(w.plan(0, {task, 1}, running, 1, to));
}

void a_task_waits_for_all_that_it_names(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), waiting("c", {0, 1})});
  require_same("waits", w.task(3).waits_for, std::int64_t{2});
  require_same("state", w.task(3).state, pending);
  require_same("claimable", w.claim(9).size(), std::size_t{1});
  w.move(w.plan(0, {1, 1}, running, 1, succeeded));
  require_same("waits for one", w.task(3).waits_for, std::int64_t{1});
  require_same("nothing yet", w.claim(9), {});
  w.now += milliseconds{7};
  const auto fact
    = w.commit_parts(w.plan(0, {2, 1}, running, 1, succeeded)).fact;
  require("due", fact.due);
  require_same("waits for none", w.task(3).waits_for, std::int64_t{0});
  require_same("due since", w.task(3).due_at, w.now);
  const auto granted = w.claim(9);
  require_same("claimed", granted.at(0).tasks, task_range{3, 1});
}

void a_parent_is_ready_when_what_it_names_has_settled(
  const store_factory& make) {
  workbench w{make};
  auto p = parent("p", 2);
  p.after = {0};
  w.submit({leaf("a"), p});
  require("not ready", !w.progress(2).ready);
  require_same("refused", w.expand(2, 1, 2).refusals.size(), std::size_t{1});
  const auto fact = settle(w, 1, succeeded).fact;
  require_same("told", fact.parents, {w.progress(2)});
  require("ready", w.progress(2).ready);
  require_same("expanded", w.expand(2, 1, 2).refusals, {});
}

void conditions(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), waiting("on success", {0}),
            waiting("on failure", {0}, condition::failed),
            waiting("always", {0}, condition::settled)});
  const auto fact = settle(w, 1, failed).fact;
  require_same("skipped", w.task(2).state, cancelled);
  require("marked", w.task(2).skipped);
  require_same("failed", w.task(3).waits_for, std::int64_t{0});
  require_same("settled", w.task(4).waits_for, std::int64_t{0});
  require_same("run", w.run(1).skipped, std::int64_t{1});
  require_same("cancelled", w.run(1).cancelled, std::int64_t{1});
  require_same("event", fact.events.back().payload,
               task_skipped("a", failed).payload);
}

void a_skip_runs_down_a_chain_in_one_commit(const store_factory& make) {
  workbench w{make};
  auto p = parent("p", 3);
  p.after = {1};
  w.submit({leaf("a"), waiting("b", {0}), p,
            waiting("d", {2}, condition::settled), waiting("e", {2})});
  const auto result = settle(w, 1, failed);
  require_same("b", w.task(2).state, cancelled);
  require_same("p", w.task(3).state, cancelled);
  require_same("p's progress", w.progress(3).state, cancelled);
  require_same("d waits for none", w.task(4).waits_for, std::int64_t{0});
  require_same("e", w.task(5).state, cancelled);
  require_same("skipped", w.run(1).skipped, std::int64_t{3});
  require_same("because of b",
               w.reader->list_events({.task = 3}, 0, 9).back().payload,
               task_skipped("b", cancelled).payload);
  require_same("no children", w.expand(3, 1, 1).refusals.size(),
               std::size_t{1});
}

void a_task_is_skipped_once(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), waiting("c", {0, 1})});
  settle(w, 1, failed);
  const auto fact = settle(w, 2, failed).fact;
  require_same("run", w.run(1).skipped, std::int64_t{1});
  require_same("moves", fact.moves.size(), std::size_t{1});
}

void a_task_waits_for_its_time(const store_factory& make) {
  workbench w{make};
  auto late = leaf("late");
  late.spec.not_before.delay = milliseconds{100};
  auto past = leaf("past");
  past.spec.not_before.at = w.now - milliseconds{1};
  w.submit({late, past});
  const auto begin = w.now;
  require_same("not before", w.task(1).not_before, begin + milliseconds{100});
  require_same("only the other", w.claim(9).at(0).tasks, task_range{2, 1});
  require_same("next", w.reader->next_due_at(),
               std::optional{begin + milliseconds{100}});
  require_same("too early", w.apply_parts(release_tasks{9}).tasks_changed,
               std::int64_t{0});
  w.now += milliseconds{100};
  require_same("released", w.apply_parts(release_tasks{9}).tasks_changed,
               std::int64_t{1});
  require_same("none", w.reader->next_due_at(), std::optional<timestamp>{});
  require_same("claimed", w.claim(9).at(0).tasks, task_range{1, 1});
  require_same("shown still", w.task(1).not_before, begin + milliseconds{100});
}

void reopened_tasks_wait_again(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), waiting("b", {0}), waiting("c", {1}),
            waiting("alarm", {0}, condition::failed)});
  w.apply_parts(start_of_run(1));
  settle(w, 1, failed);
  settle(w, 4, succeeded);
  w.apply_parts(move_run{1, run_state::running, run_state::failed});
  require_same("skipped", w.run(1).skipped, std::int64_t{2});
  // Whatever the order of the parts, b and c wait for what was reopened.
  w.apply_parts(w.plan(0, {3, 1}, cancelled, 0, pending),
                w.plan(0, {1, 1}, failed, 1, pending),
                w.plan(0, {2, 1}, cancelled, 0, pending),
                move_run{1, run_state::failed, run_state::running});
  require_same("none skipped", w.run(1).skipped, std::int64_t{0});
  require_same("b", w.task(2).waits_for, std::int64_t{1});
  require_same("c", w.task(3).waits_for, std::int64_t{1});
  require_same("only a", w.claim(9),
               {{1, 0, {1, 1}, running, 2, 0, 0, no_time}});
  w.move(w.plan(0, {1, 1}, running, 2, succeeded));
  require_same("then b", w.claim(9).at(0).tasks, task_range{2, 1});
  require_same("alarm stays", w.task(4).state, succeeded);
}

void dependencies_are_listed(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), waiting("c", {1, 0}, condition::settled),
            waiting("d", {2})});
  w.submit({leaf("x"), waiting("y", {0})});
  require_same("of the first", w.reader->dependencies(1),
               {{1, 3, condition::settled},
                {2, 3, condition::settled},
                {3, 4, condition::succeeded}});
  require_same("of the second", w.reader->dependencies(2),
               {{5, 6, condition::succeeded}});
  require_same("of none", w.reader->dependencies(3), {});
}

} // namespace

const std::vector<conformance_case>& waiting_cases() {
  static const std::vector<conformance_case> cases{
    {"a task waits for all that it names", a_task_waits_for_all_that_it_names},
    {"a parent is ready when what it names has settled",
     a_parent_is_ready_when_what_it_names_has_settled},
    {"conditions", conditions},
    {"a skip runs down a chain in one commit",
     a_skip_runs_down_a_chain_in_one_commit},
    {"a task is skipped once", a_task_is_skipped_once},
    {"a task waits for its time", a_task_waits_for_its_time},
    {"reopened tasks wait again", reopened_tasks_wait_again},
    {"dependencies are listed", dependencies_are_listed},
  };
  return cases;
}

} // namespace conductor::test
