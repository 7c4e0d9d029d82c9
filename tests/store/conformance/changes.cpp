#include "tests/store/workbench.hpp"

/// What people change while a run works: pause, fences, priorities, bounds.
namespace conductor::test {

namespace {

using enum task_state;

update_run pause(bool paused) {
  return {.run = 1,
          .paused = paused,
          .events = {paused ? run_paused() : run_unpaused()}};
}

void nothing_begins_in_a_paused_run(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), parent("p", 2)});
  w.claim(1);
  w.apply_parts(w.plan(0, {1, 1}, running, 1, retrying));
  const auto fact = w.commit_parts(pause(true)).fact;
  require_same("updated", fact.updated, {1});
  require_same("event", fact.events.back().kind, event_kind::run_paused);
  require("paused", w.run(1).paused);
  require_same("paused twice", w.apply_parts(pause(true)).refusals.size(),
               std::size_t{1});
  require_same("no lease", w.claim(9), {});
  require_same("no child", w.expand(3, 1, 1).refusals.size(), std::size_t{1});
  w.now += milliseconds{5000};
  require_same("no retry due",
               w.groups({.of = group_query::kind::retries_due, .now = w.now}),
               {});
  require_same("no next retry", w.reader->next_due_at(),
               std::optional<timestamp>{});
  require_same("no retry",
               w.move(w.plan(0, {1, 1}, retrying, 1, pending)).refusals.size(),
               std::size_t{1});
  require("due again", w.commit_parts(pause(false)).fact.due);
  require_same("a lease", w.claim(9).size(), std::size_t{1});
}

void what_runs_may_end_in_a_paused_run(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b")});
  w.claim(2);
  w.apply_parts(pause(true));
  require_same("success",
               w.move(w.plan(0, {1, 1}, running, 1, succeeded)).refusals, {});
  require_same("failure",
               w.move(w.plan(0, {2, 1}, running, 1, retrying)).refusals, {});
}

void all_runs_are_paused(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  const auto result = w.commit_parts(pause_all{true});
  require_same("runs", result.fact.updated, {1});
  w.submit({leaf("b")});
  require("of the future", w.run(2).paused);
  require_same("told", w.reader->list_events({.run = 2}, 0, 9).back().name,
               std::string{"run.paused"});
  require_same("none", w.claim(9), {});
  require_same("again", w.commit_parts(pause_all{true}).fact.updated, {});
  require_same("both", w.commit_parts(pause_all{false}).fact.updated, {1, 2});
  w.submit({leaf("c")});
  require("no longer", !w.run(3).paused);
  require_same("all", w.claim(9).size(), std::size_t{3});
}

void a_fence_ends_a_run(const store_factory& make) {
  workbench w{make};
  auto after = leaf("after");
  after.after = {0};
  w.submit({leaf("a"), leaf("b"), parent("p", 5), after});
  w.expand(3, 1, 2);
  w.claim(1);
  w.apply_parts(update_run{.run = 1,
                           .fence = fence::cancel,
                           .events = {run_cancelled(reason::by_hand)}});
  require_same("no lease", w.claim(9), {});
  require_same("no child", w.expand(3, 3, 1).refusals.size(), std::size_t{1});
  require_same("a late success",
               w.move(w.plan(0, {1, 1}, running, 1, succeeded)).refusals,
               {{0, 1, 1, succeeded, running, 1}});
  require_same("the expansion ends",
               w.apply_parts(expand_parent{
                               .run = 1, .parent = 3, .first = 3, .ends = true})
                 .refusals,
               {});
  require_same("with its children", w.progress(3).total, std::int64_t{2});
  w.move(w.plan(0, {1, 1}, running, 1, cancelled));
  require_same("nothing is skipped", w.run(1).skipped, std::int64_t{0});
  require_same("waits still", w.task(4).state, pending);
  require_same("leaves",
               w.groups({.of = group_query::kind::unsettled, .run = 1}).size(),
               std::size_t{3});
}

void a_deadline_fails_what_runs(const store_factory& make) {
  workbench w{make};
  auto run = run_of({leaf("a")});
  run.deadline.delay = milliseconds{50};
  w.apply_parts(run);
  w.claim(1);
  require_same("next", w.reader->next_due_at(),
               std::optional{w.now + milliseconds{50}});
  w.apply_parts(update_run{.run = 1, .fence = fence::deadline});
  auto end = w.plan(0, {1, 1}, running, 1, failed);
  require_same("not by an attempt", w.move(end).refusals.size(),
               std::size_t{1});
  end.fenced = true;
  require_same("by the fence", w.move(end).refusals, {});
  w.now += milliseconds{20};
  w.apply_parts(start_of_run(1));
  w.apply_parts(move_run{1, run_state::running, run_state::failed},
                w.plan(0, {1, 1}, failed, 1, pending),
                move_run{1, run_state::failed, run_state::running});
  require_same("no fence", w.run(1).fence, fence::none);
  require_same("a new deadline", w.run(1).deadline, w.now + milliseconds{50});
}

void a_fenced_parent_gets_no_more(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 3), leaf("a")});
  w.expand(1, 1, 2);
  w.apply_parts(update_task{.run = 1, .task = 1, .fence = fence::cancel});
  require_same("fence", w.progress(1).fence, fence::cancel);
  require_same("no child", w.expand(1, 3, 1).refusals.size(), std::size_t{1});
  require_same("only the other", w.claim(9),
               {{1, 0, {2, 1}, running, 1, 0, 0, no_time}});
  require_same(
    "not twice",
    w.apply_parts(update_task{.run = 1, .task = 1, .fence = fence::cancel})
      .refusals.size(),
    std::size_t{1});
}

void priorities(const store_factory& make) {
  workbench w{make};
  auto low = run_of({leaf("low"), leaf("low too")});
  low.priority = 5;
  w.apply_parts(low);
  auto first = leaf("first");
  first.spec.priority = 1;
  w.submit({leaf("usual"), first});
  require_same("first", w.claim(1).at(0).tasks, task_range{4, 1});
  require_same("usual", w.claim(1).at(0).tasks, task_range{3, 1});
  require_same("low", w.claim(1).at(0).tasks, task_range{1, 1});
  w.apply_parts(update_run{.run = 1, .priority = 2});
  w.submit({leaf("usual")});
  require_same("raised", w.claim(1).at(0).tasks, task_range{2, 1});
}

void none_starves(const store_factory& make) {
  workbench w{make};
  auto low = run_of({leaf("low")});
  low.priority = 5;
  w.apply_parts(low);
  std::vector<task_submission> many(20, leaf("x"));
  for (std::size_t i = 0; i < many.size(); ++i)
    many[i].spec.name += std::to_string(i);
  w.submit(std::move(many));
  for (int i = 0; i < 9; ++i)
    require("in order", w.claim(1).at(0).run == 2);
  require_same("the tenth", w.claim(1).at(0).run, run_key{1});
}

void runs_take_turns(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), leaf("c")});
  w.submit({leaf("d")});
  std::vector<task_key> served;
  for (int i = 0; i < 4; ++i)
    served.push_back(w.claim(1).at(0).tasks.first);
  require_same("order", served, {1, 4, 2, 3});
}

void a_task_is_changed_while_it_works(const store_factory& make) {
  workbench w{make};
  auto p = parent("p", 4);
  p.spec.max_concurrency = 1;
  w.submit({p, leaf("a")});
  w.expand(1, 1, 4);
  require_same("one", w.claim(9).size(), std::size_t{2});
  const auto reply = w.apply_parts(
    update_task{.run = 1,
                .task = 1,
                .tolerate = count_or_percent{2, 0},
                .max_concurrency = 3,
                .priority = 1,
                .events = {task_updated(count_or_percent{2, 0}, 3, 1)}});
  require_same("done", reply.refusals, {});
  const auto spec = w.reader->load_template(1)->spec;
  require_same("tolerate", spec.tolerate.count, std::int64_t{2});
  require_same("bound", spec.max_concurrency, std::int64_t{3});
  require_same("priority", spec.priority, 1);
  require_same("two more", w.claim(9),
               {{1, 1, {4, 2}, running, 1, 0, 0, no_time}});
  require_same("no task",
               w.apply_parts(update_task{.run = 1, .task = 99, .priority = 1})
                 .refusals.size(),
               std::size_t{1});
}

} // namespace

const std::vector<conformance_case>& change_cases() {
  static const std::vector<conformance_case> cases{
    {"nothing begins in a paused run", nothing_begins_in_a_paused_run},
    {"what runs may end in a paused run", what_runs_may_end_in_a_paused_run},
    {"all runs are paused", all_runs_are_paused},
    {"a fence ends a run", a_fence_ends_a_run},
    {"a deadline fails what runs", a_deadline_fails_what_runs},
    {"a fenced parent gets no more", a_fenced_parent_gets_no_more},
    {"priorities", priorities},
    {"none starves", none_starves},
    {"runs take turns", runs_take_turns},
    {"a task is changed while it works", a_task_is_changed_while_it_works},
  };
  return cases;
}

} // namespace conductor::test
