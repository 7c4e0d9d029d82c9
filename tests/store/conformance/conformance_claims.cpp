#include "tests/store/workbench.hpp"

/// What the store grants to those who ask for tasks to execute.
namespace conductor::test {

namespace {

using enum task_state;
using groups = std::vector<task_group>;

/// A granted group of run `run`.
task_group granted(run_key run, task_key parent, task_range tasks,
                   std::int32_t attempt = 1, std::int32_t retry_count = 0,
                   std::int32_t lost_count = 0) {
  return {run,     parent,      tasks,      running,
          attempt, retry_count, lost_count, no_time};
}

task_submission with_handler(task_submission t, const std::string& handler) {
  t.spec.handler = handler;
  return t;
}

/// A run with one parent whose children all exist.
submitted_run submit_parent(workbench& w, std::int64_t total,
                            std::int64_t bound = 0) {
  auto p = parent("p", total);
  p.spec.max_concurrency = bound;
  return w
    .apply_parts(
      run_of({p}),
      expand_parent{.run = new_run, .parent = new_task(0), .count = total})
    .runs.at(0);
}

void a_claim_leases_and_starts(const store_factory& make) {
  workbench w{make};
  w.submit_children(5);
  w.now += milliseconds{5};
  const auto result = w.commit_parts(claim_of(3));
  const auto& reply = result.replies[0];
  require_same("granted", reply.granted, {granted(1, 1, {2, 3})});
  require_same("refusals", reply.refusals, {});
  require_same("tasks", reply.tasks_changed, std::int64_t{3});
  require_same("runs", reply.runs_changed, std::int64_t{1});
  require_same("run", w.run(1).state, run_state::running);
  require_same("started", w.run(1).started_at, w.now);
  require_same("task", w.task(4).state, running);
  require_same("attempt", w.task(4).attempt, 1);
  require_same("task started", w.task(4).started_at, w.now);
  require_same("due gone", w.task(4).due_at, no_time);
  require_same("counts", w.progress(1).children,
               state_counts{.pending = 2, .running = 3});
  require_same("moves", result.fact.moves,
               {{1, 1, {2, 3}, pending, running, 1, no_time}});
  require_same("progress", result.fact.progress, {w.run(1)});
  require_same("parents", result.fact.parents, {w.progress(1)});
  require_same(
    "events", result.fact.events,
    {{8, 1, 0, 1, event_kind::run_started, w.now, "{}"},
     {9, 1, 2, 3, event_kind::task_started, w.now, R"({"attempt":1})"}});
  const auto rest = w.commit_parts(claim_of(9));
  require_same("the rest", rest.replies[0].granted, {granted(1, 1, {5, 2})});
  require_same("run started once", rest.replies[0].runs_changed,
               std::int64_t{0});
  require_same("nothing left", w.claim(9), {});
}

void a_claim_that_finds_nothing_is_no_commit(const store_factory& make) {
  workbench w{make};
  w.submit_children(1);
  const auto first = w.commit_parts(claim_of(3)).fact.number;
  w.now += milliseconds{5};
  const auto fact = w.commit_parts(claim_of(3)).fact;
  require_same("number", fact.number, first);
  require_same("progress", fact.progress, {});
  w.move(w.plan(1, {2, 1}, running, 1, succeeded));
  require_same("number of the next", w.commit_parts(claim_of(1)).fact.number,
               first + 1);
  require_same("updated", w.run(1).updated_at, w.now - milliseconds{5});
}

void what_a_claim_leases_can_be_settled(const store_factory& make) {
  workbench w{make};
  w.submit_children(2);
  w.claim(2);
  require_same("fine",
               w.move(w.plan(1, {2, 2}, running, 1, succeeded)).refusals, {});
}

void rooms_and_the_limit(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), with_handler(leaf("b"), "other"), leaf("c"),
            with_handler(leaf("d"), "other"), leaf("e")});
  const auto claim = [&](std::vector<handler_room> rooms, std::int64_t limit) {
    return w.apply_parts(claim_tasks{std::move(rooms), limit}).granted;
  };
  require_same("no rooms", claim({}, 9), {});
  require_same("no limit", claim({{"work", 9}}, 0), {});
  require_same("no room", claim({{"work", 0}}, 9), {});
  require_same("unknown", claim({{"nobody", 9}}, 9), {});
  // Two groups: the tasks are not next to each other.
  require_same(
    "in order", claim({{"other", 1}, {"work", 2}}, 9),
    {granted(1, 0, {2, 1}), granted(1, 0, {1, 1}), granted(1, 0, {3, 1})});
  require_same("the limit", claim({{"other", 9}, {"work", 9}}, 1),
               {granted(1, 0, {4, 1})});
  require_same("the last", claim({{"other", 9}, {"work", 9}}, 9),
               {granted(1, 0, {5, 1})});
  require_same("top-level tasks", w.run(1).settled_tasks(), std::int64_t{0});
}

void blocks_take_turns(const store_factory& make) {
  workbench w{make};
  for (int i = 0; i < 3; ++i)
    submit_parent(w, 4); // children 2…5, 7…10, 12…15
  require_same("first", w.claim(2), {granted(1, 1, {2, 2})});
  require_same("second", w.claim(2), {granted(2, 6, {7, 2})});
  require_same("both", w.claim(6),
               {granted(3, 11, {12, 4}), granted(1, 1, {4, 2})});
  // Blocks that were submitted later have keys after the one served last.
  submit_parent(w, 2); // children 17, 18
  require_same("after the last", w.claim(1), {granted(2, 6, {9, 1})});
  require_same("newest", w.claim(1), {granted(4, 16, {17, 1})});
  require_same("around", w.claim(9),
               {granted(2, 6, {10, 1}), granted(4, 16, {18, 1})});
}

void handlers_have_turns_of_their_own(const store_factory& make) {
  workbench w{make};
  for (int i = 0; i < 2; ++i)
    w.submit({leaf("a"), with_handler(leaf("b"), "other"), leaf("c"),
              with_handler(leaf("d"), "other")});
  const auto claim = [&](const char* handler) {
    return w.apply_parts(claim_tasks{{{handler, 1}}, 1}).granted;
  };
  require_same("work 1", claim("work"), {granted(1, 0, {1, 1})});
  require_same("other 1", claim("other"), {granted(1, 0, {2, 1})});
  require_same("work 2", claim("work"), {granted(2, 0, {5, 1})});
  require_same("work 3", claim("work"), {granted(1, 0, {3, 1})});
  require_same("other 2", claim("other"), {granted(2, 0, {6, 1})});
}

void a_room_of_one_parent(const store_factory& make) {
  workbench w{make};
  submit_parent(w, 4); // 2…5
  submit_parent(w, 4); // 7…10
  submit_parent(w, 4); // 12…15
  const auto claim = [&](task_key parent, std::int64_t tasks) {
    return w.apply_parts(claim_tasks{{{"work", tasks, parent}}, 99}).granted;
  };
  require_same("that one", claim(11, 2), {granted(3, 11, {12, 2})});
  require_same("no such parent", claim(99, 2), {});
  require_same("the turn is as before", w.claim(1), {granted(1, 1, {2, 1})});
  require_same("again", claim(1, 1), {granted(1, 1, {3, 1})});
  require_same("no turn lost", w.claim(1), {granted(2, 6, {7, 1})});
  require_same("all", claim(6, 9), {granted(2, 6, {8, 3})});
  require_same("none left", claim(6, 9), {});
  require_same("another handler",
               w.apply_parts(claim_tasks{{{"other", 9, 1}}, 9}).granted, {});
}

void a_bound_holds_over_all_claims(const store_factory& make) {
  workbench w{make};
  submit_parent(w, 6, 3); // children 2…7
  submit_parent(w, 2);    // children 9, 10
  require_same("bound", w.claim(9),
               {granted(1, 1, {2, 3}), granted(2, 8, {9, 2})});
  require_same("full", w.claim(9), {});
  const auto done = w.commit_parts(w.plan(1, {2, 1}, running, 1, succeeded));
  require_same("room again", done.fact.due, true);
  require_same("one", w.claim(9), {granted(1, 1, {5, 1})});
  require_same("of one parent",
               w.apply_parts(claim_tasks{{{"work", 9, 1}}, 9}).granted, {});
  const auto other = w.commit_parts([&] {
    auto m = w.plan(8, {9, 1}, running, 1, succeeded);
    m.run = 2;
    return m;
  }());
  require_same("an unbounded parent has room always", other.fact.due, false);
}

void a_bound_holds_within_one_change_set(const store_factory& make) {
  workbench w{make};
  submit_parent(w, 6, 2);
  const auto reply
    = w.apply_parts(claim_of(1), claim_of(9), claim_of(9),
                    w.plan(1, {2, 1}, running, 1, succeeded), claim_of(9));
  require_same(
    "granted", reply.granted,
    {granted(1, 1, {2, 1}), granted(1, 1, {3, 1}), granted(1, 1, {4, 1})});
}

void only_open_runs_and_parents_are_served(const store_factory& make) {
  workbench w{make};
  submit_parent(w, 2);
  submit_parent(w, 2);
  w.submit({leaf("a")});
  w.move(w.plan(0, {1, 1}, pending, 0, cancelled)); // its children still wait
  auto last = w.plan(0, {7, 1}, pending, 0, cancelled);
  last.run = 3;
  w.apply_parts(last,
                move_run{3, run_state::pending, run_state::cancelled, {}});
  require_same("the others", w.claim(9), {granted(2, 4, {5, 2})});
  require_same("named", w.apply_parts(claim_tasks{{{"work", 9, 1}}, 9}).granted,
               {});
  require_same("untouched", w.run(1).state, run_state::pending);
  w.move(w.plan(0, {1, 1}, cancelled, 0, pending));
  require_same("reopened", w.claim(9), {granted(1, 1, {2, 2})});
}

/// A leaf of a settled run cannot wait; one that is put back there anyhow is
/// not leased before the run is reopened.
void a_settled_run_is_not_served(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  w.apply_parts(w.plan(0, {1, 1}, pending, 0, cancelled),
                move_run{1, run_state::pending, run_state::cancelled, {}},
                w.plan(0, {1, 1}, cancelled, 0, pending));
  require_same("settled", w.claim(9), {});
  w.apply_parts(move_run{1, run_state::cancelled, run_state::running, {}});
  require_same("reopened", w.claim(9), {granted(1, 0, {1, 1})});
}

void no_task_is_granted_twice_in_a_batch(const store_factory& make) {
  workbench w{make};
  w.submit_children(5);
  const auto ask = set_of(claim_of(2), claim_of(2));
  const auto result = w.commit(std::vector{ask, ask});
  require_same("first", result.replies[0].granted,
               {granted(1, 1, {2, 2}), granted(1, 1, {4, 2})});
  require_same("second", result.replies[1].granted, {granted(1, 1, {6, 1})});
}

/// Children 2 and 3 were cancelled before anyone claimed them. They are
/// reopened in the batch that also claims: they lie below the children that
/// have not been claimed yet.
void reopened_children_below_unclaimed_ones(const store_factory& make) {
  workbench w{make};
  w.submit_children(8); // 2…9
  w.claim(4);           // 2…5
  w.move(w.plan(1, {2, 2}, running, 1, cancelled));
  w.move(w.plan(1, {6, 1}, pending, 0, cancelled));
  auto again = w.plan(1, {2, 2}, cancelled, 1, pending);
  again.retried = true;
  const auto result = w.commit(std::vector{
    set_of(claim_of(1)),
    set_of(again, w.plan(1, {6, 1}, cancelled, 0, pending), claim_of(4)),
    set_of(claim_of(9))});
  require_same("fresh", result.replies[0].granted, {granted(1, 1, {7, 1})});
  require_same("both", result.replies[1].granted,
               {granted(1, 1, {2, 2}, 2, 1), granted(1, 1, {6, 1}),
                granted(1, 1, {8, 1})});
  require_same("the rest", result.replies[2].granted, {granted(1, 1, {9, 1})});
  require_same("counts", w.progress(1).children, state_counts{.running = 8});
}

void a_group_has_equal_counters(const store_factory& make) {
  workbench w{make};
  w.submit_children(6);
  w.claim(4);
  auto fails = w.plan(1, {3, 1}, running, 1, retrying);
  auto lost = w.plan(1, {4, 1}, running, 1, retrying);
  lost.lost = true;
  w.apply_parts(w.plan(1, {2, 1}, running, 1, retrying), fails, lost);
  auto retried = w.plan(1, {2, 2}, retrying, 1, pending);
  retried.retried = true;
  w.apply_parts(retried, w.plan(1, {4, 1}, retrying, 1, pending));
  const auto result = w.commit_parts(claim_of(9));
  require_same("granted", result.replies[0].granted,
               {granted(1, 1, {2, 2}, 2, 1), granted(1, 1, {4, 1}, 2, 0, 1),
                granted(1, 1, {6, 2})});
  require_same("moves", result.fact.moves,
               {{1, 1, {2, 2}, pending, running, 2, no_time},
                {1, 1, {4, 1}, pending, running, 2, no_time},
                {1, 1, {6, 2}, pending, running, 1, no_time}});
}

void a_group_is_not_endless(const store_factory& make) {
  workbench w{make};
  w.submit_children(2'500);
  require_same("pages", w.claim(2'000),
               {granted(1, 1, {2, 1'024}), granted(1, 1, {1'026, 976})});
  // Ranges that were split and put together differently make the same groups.
  w.move(w.plan(1, {500, 100}, running, 1, retrying));
  w.move(w.plan(1, {400, 100}, running, 1, retrying));
  w.move(w.plan(1, {400, 200}, retrying, 1, pending));
  require_same("joined", w.claim(300),
               {granted(1, 1, {400, 200}, 2), granted(1, 1, {2'002, 100})});
}

void what_is_not_due_is_not_granted(const store_factory& make) {
  workbench w{make};
  w.submit_children(2);
  w.claim(2);
  w.move(w.plan(1, {2, 1}, running, 1, retrying));
  require_same("retrying", w.claim(9), {});
  w.now += milliseconds{2'000};
  require_same("due, but not put back", w.claim(9), {});
  w.move(w.plan(1, {2, 1}, retrying, 1, pending));
  require_same("put back", w.claim(9), {granted(1, 1, {2, 1}, 2)});
}

void what_was_just_created_is_granted(const store_factory& make) {
  workbench w{make};
  const auto result = w.commit(std::vector{
    set_of(run_of({parent("p", 3), leaf("a")}),
           expand_parent{.run = new_run, .parent = new_task(0), .count = 2},
           claim_of(9)),
    set_of(page(3, 1), claim_of(9))});
  require_same("first", result.replies[0].granted,
               {granted(1, 0, {2, 1}), granted(1, 1, {3, 2})});
  require_same("second", result.replies[1].granted, {granted(1, 1, {5, 1})});
}

} // namespace

const std::vector<conformance_case>& claim_cases() {
  static const std::vector<conformance_case> cases{
    {"a claim leases and starts", a_claim_leases_and_starts},
    {"a claim that finds nothing is no commit",
     a_claim_that_finds_nothing_is_no_commit},
    {"what a claim leases can be settled", what_a_claim_leases_can_be_settled},
    {"rooms and the limit", rooms_and_the_limit},
    {"blocks take turns", blocks_take_turns},
    {"handlers have turns of their own", handlers_have_turns_of_their_own},
    {"a room of one parent", a_room_of_one_parent},
    {"a bound holds over all claims", a_bound_holds_over_all_claims},
    {"a bound holds within one change set",
     a_bound_holds_within_one_change_set},
    {"only open runs and parents are served",
     only_open_runs_and_parents_are_served},
    {"a settled run is not served", a_settled_run_is_not_served},
    {"no task is granted twice in a batch",
     no_task_is_granted_twice_in_a_batch},
    {"reopened children below unclaimed ones",
     reopened_children_below_unclaimed_ones},
    {"a group has equal counters", a_group_has_equal_counters},
    {"a group is not endless", a_group_is_not_endless},
    {"what is not due is not granted", what_is_not_due_is_not_granted},
    {"what was just created is granted", what_was_just_created_is_granted},
  };
  return cases;
}

} // namespace conductor::test
