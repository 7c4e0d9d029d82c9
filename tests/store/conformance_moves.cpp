#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

void a_lease_starts_an_attempt(const store_factory& make) {
  workbench w{make};
  w.submit_children(4);
  w.now += milliseconds{5};
  auto plan = w.plan(1, {2, 3}, pending, 0, running);
  plan.events = {{event_kind::task_started, R"({"w":1})"}};
  change_set changes;
  changes.moves.push_back(plan);
  const auto fact = w.commit(changes).fact;
  const auto child = w.task(3);
  require_same("attempt", child.attempt, 1);
  require_same("started", child.started_at, w.now);
  require_same("updated", child.updated_at, w.now);
  require_same("children", w.fanout(1).children,
               state_counts{.pending = 1, .running = 3});
  require_same("claimed", w.fanout(1).claimed, std::int64_t{3});
  require_same("moves", fact.moves,
               {{1, 1, {2, 3}, pending, running, 1, plan.until}});
  require_same("parents", fact.parents, {w.fanout(1)});
  require_same("progress", fact.progress, {});
  require_same("events", fact.events,
               {{7, 1, 2, 3, event_kind::task_started, w.now, R"({"w":1})"}});
  require_same("running", w.reader->load_running({1, 3}).size(),
               std::size_t{2});
}

void tasks_of_a_range_are_refused_one_by_one(const store_factory& make) {
  workbench w{make};
  w.submit_children(6);
  w.lease(1, {2, 6}, 0);
  w.move(w.plan(1, {4, 1}, running, 1, succeeded));
  auto plan = w.plan(1, {2, 6}, running, 1, failed);
  plan.events = {{event_kind::task_failed, "1"},
                 {event_kind::task_retries_exhausted, "2"}};
  change_set changes;
  changes.moves.push_back(plan);
  const auto result = w.commit(changes);
  require_same("refusals", result.replies[0].refusals,
               {{4, 1, failed, succeeded, 1}});
  require_same("moves", result.fact.moves,
               {{1, 1, {2, 2}, running, failed, 1, plan.until},
                {1, 1, {5, 3}, running, failed, 1, plan.until}});
  std::vector<std::string> seen;
  for (const auto& e : result.fact.events)
    seen.push_back(e.payload + "@" + std::to_string(e.first) + "+"
                   + std::to_string(e.count));
  require_same("events", seen, {"1@2+2", "2@2+2", "1@5+3", "2@5+3"});
}

void a_stale_attempt_changes_nothing(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  w.lease(0, {1, 1}, 0);
  const auto before = w.task(1);
  auto late = w.plan(0, {1, 1}, running, 2, succeeded);
  late.outputs = {"1"};
  late.events = {{event_kind::task_succeeded, "{}"}};
  change_set changes;
  changes.moves.push_back(late);
  const auto result = w.commit(changes);
  require_same("refusal", result.replies[0].refusals,
               {{1, 2, succeeded, running, 1}});
  require_same("task", w.task(1), before);
  require_same("moves", result.fact.moves, {});
  require_same("events", result.fact.events, {});
  require_same("still a commit", result.fact.number, std::uint64_t{3});
  require_same("unknown", w.lease(0, {50, 1}, 0).refusals,
               {{50, 0, running, pending, 0}});
}

void a_retry_and_its_counts(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  w.lease(0, {1, 1}, 0);
  require_same("due gone", w.task(1).due_at, no_time);
  w.move(w.plan(0, {1, 1}, running, 1, retrying));
  const auto due = w.now + milliseconds{1'000};
  require_same("run", w.run(1).retries, std::int64_t{1});
  require_same("not failed", w.run(1).failed, std::int64_t{0});
  require_same("due", w.task(1).due_at, due);
  require_same("next", w.reader->next_retry_at(), std::optional{due});
  require_same("early", w.reader->load_retries_due(w.now, 9), {});
  require_same("then", w.reader->load_retries_due(due, 9),
               {{1, 1, 0, 1, 0, 0}});
  auto again = w.plan(0, {1, 1}, retrying, 1, pending);
  again.retried = true;
  again.until = w.now;
  w.move(again);
  require_same("count", w.task(1).retry_count, 1);
  require_same("once", w.run(1).retries, std::int64_t{1});
  require_same("brief", w.reader->load_due(w.now, {}, 9),
               {{{1, 1, 0, 1, 1, 0}, w.now}});
  require_same("none", w.reader->next_retry_at(), std::optional<timestamp>{});
}

void a_lost_lease_costs_no_retry(const store_factory& make) {
  workbench w{make};
  w.submit_children(1);
  w.lease(1, {2, 1}, 0);
  auto lost = w.plan(1, {2, 1}, running, 1, retrying);
  lost.lost = true;
  w.move(lost);
  w.move(w.plan(1, {2, 1}, retrying, 1, pending));
  const auto task = w.task(2);
  require_same("lost", task.lost_count, 1);
  require_same("retries", task.retry_count, 0);
  require_same("run", w.run(1).retries, std::int64_t{0});
  require_same("due", task.due_at, lost.until);
}

void texts_stay_unless_set(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b")});
  w.lease(0, {1, 1}, 0);
  w.move(w.plan(0, {1, 1}, running, 1, retrying));
  w.move(w.plan(0, {1, 1}, retrying, 1, pending));
  w.lease(0, {1, 1}, 1);
  auto done = w.plan(0, {1, 1}, running, 2, succeeded);
  done.outputs = {"[1]"};
  w.move(done);
  require_same("error", w.task(1).last_error,
               std::string{R"({"type":"boom"})"});
  require_same("output", w.task(1).output, std::string{"[1]"});
  require_same("outputs", w.reader->load_outputs({1, 2}), {"[1]", ""});
}

void outputs_go_with_their_tasks(const store_factory& make) {
  workbench w{make};
  w.submit_children(5);
  w.lease(1, {2, 5}, 0);
  w.move(w.plan(1, {4, 1}, running, 1, cancelled));
  auto done = w.plan(1, {2, 5}, running, 1, succeeded);
  done.outputs = {"2", "3", "4", "", "6"};
  require_same("refused", w.move(done).refusals,
               {{4, 1, succeeded, cancelled, 1}});
  require_same("outputs", w.reader->load_outputs({2, 5}),
               {"2", "3", "", "", "6"});
}

void top_level_tasks_count_in_their_run(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), parent("p", 2), leaf("b")});
  change_set changes;
  changes.moves.push_back(w.plan(0, {1, 3}, pending, 0, cancelled));
  const auto fact = w.commit(changes).fact;
  require_same("cancelled", w.run(1).cancelled, std::int64_t{3});
  require_same("progress", fact.progress, {w.run(1)});
  require_same("parents", fact.parents, {w.fanout(2)});
  require_same("parent", w.fanout(2).state, cancelled);
  require_same("open", w.reader->load_open_fanouts(0, 9), {});
  w.move(w.plan(0, {1, 3}, cancelled, 0, pending));
  require_same("back", w.run(1).cancelled, std::int64_t{0});
  require_same("parent again", w.fanout(2).state, pending);
  require_same("open again", w.reader->load_open_fanouts(0, 9), {w.fanout(2)});
  require_same("a parent is never due", w.task(2).due_at, no_time);
  const auto due = w.now + milliseconds{1'000};
  const due_task one{{1, 1, 0, 0, 0, 0}, due}, three{{3, 1, 0, 0, 0, 0}, due};
  require_same("due", w.reader->load_due(due, {}, 9), {one, three});
  require_same("due behind the first", w.reader->load_due(due, {due, 1}, 9),
               {three});
  require_same("due behind the last", w.reader->load_due(due, {due, 3}, 9), {});
}

void settling_a_parent(const store_factory& make) {
  workbench w{make};
  w.submit_children(2);
  w.lease(1, {2, 2}, 0);
  w.move(w.plan(1, {2, 2}, running, 1, succeeded));
  require_same("children", w.fanout(1).children, state_counts{.succeeded = 2});
  auto done = w.plan(0, {1, 1}, pending, 0, succeeded);
  done.outputs = {"{}"};
  require_same("fine", w.move(done).refusals, {});
  require_same("run", w.run(1).succeeded, std::int64_t{1});
  require_same("task", w.task(1).state, succeeded);
  require_same("once", w.move(done).refusals,
               {{1, 0, succeeded, succeeded, 0}});
  require_same("counted once", w.run(1).succeeded, std::int64_t{1});
}

void runs_move_from_the_state_they_are_in(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  const auto move = [&](run_state from, run_state to) {
    w.now += milliseconds{10};
    change_set changes;
    changes.run_moves.push_back(
      {1, from, to, w.now, {{event_kind::run_started, "{}"}}});
    return w.commit(changes);
  };
  move(run_state::pending, run_state::running);
  require_same("started", w.run(1).started_at, w.now);
  const auto stale = move(run_state::pending, run_state::running);
  require_same("silent", stale.replies[0].refusals, {});
  require_same("no events", stale.fact.events, {});
  require_same("no progress", stale.fact.progress, {});
  const auto early = move(run_state::running, run_state::failed);
  require_same("tasks are open", early.fact.events, {});
  require_same("still running", w.run(1).state, run_state::running);
  w.move(w.plan(0, {1, 1}, pending, 0, cancelled));
  const auto failed_run = move(run_state::running, run_state::failed);
  require_same("finished", w.run(1).finished_at, w.now);
  require_same("event", failed_run.fact.events,
               {{4, 1, 0, 1, event_kind::run_started, w.now, "{}"}});
  require_same("open", w.reader->load_open_runs(0, 9), {});
  move(run_state::failed, run_state::running);
  require_same("reopened", w.run(1).finished_at, no_time);
  require_same("updated", w.run(1).updated_at, w.now);
  require_same("open again", w.reader->load_open_runs(0, 9), {w.run(1)});
}

void parts_apply_in_order(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 2)});
  change_set changes;
  const auto said = [](const char* text) {
    return event_entry{event_kind::health_changed, text};
  };
  changes.notes.push_back({1, 0, w.now, said("last")});
  changes.leading.push_back({1, 0, w.now, said("first")});
  changes.run_starts.push_back(
    {1, run_state::pending, run_state::running, w.now, {said("start")}});
  changes.expansions.push_back({.run = 1, .parent = 1, .count = 2});
  changes.moves.push_back(w.plan(1, {2, 2}, pending, 0, running));
  changes.moves[0].events = {said("move")};
  changes.moves.push_back(w.plan(0, {1, 1}, pending, 0, failed));
  changes.run_moves.push_back(
    {1, run_state::running, run_state::failed, w.now, {said("end")}});
  changes.released = {2};
  std::vector<std::string> seen;
  for (const auto& e : w.commit(changes).fact.events)
    seen.push_back(e.payload);
  require_same("events", seen, {"first", "start", "{}", "move", "end", "last"});
  require_same("leases", w.leases(), {});
}

} // namespace

const std::vector<conformance_case>& move_cases() {
  static const std::vector<conformance_case> cases{
    {"a lease starts an attempt", a_lease_starts_an_attempt},
    {"tasks of a range are refused one by one",
     tasks_of_a_range_are_refused_one_by_one},
    {"a stale attempt changes nothing", a_stale_attempt_changes_nothing},
    {"a retry and its counts", a_retry_and_its_counts},
    {"a lost lease costs no retry", a_lost_lease_costs_no_retry},
    {"outputs go with their tasks", outputs_go_with_their_tasks},
    {"texts stay unless set", texts_stay_unless_set},
    {"top-level tasks count in their run", top_level_tasks_count_in_their_run},
    {"settling a parent", settling_a_parent},
    {"runs move from the state they are in",
     runs_move_from_the_state_they_are_in},
    {"parts apply in order", parts_apply_in_order},
  };
  return cases;
}

} // namespace conductor::test
