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
  const auto result = w.commit_parts(plan);
  const auto& fact = result.fact;
  const auto child = w.task(3);
  require_same("attempt", child.attempt, 1);
  require_same("started", child.started_at, w.now);
  require_same("updated", child.updated_at, w.now);
  require_same("due gone", child.due_at, no_time);
  require_same("children", w.progress(1).children,
               state_counts{.pending = 1, .running = 3});
  require_same("moves", fact.moves,
               {{1, 1, {2, 3}, pending, running, 1, no_time}});
  require_same("parents", fact.parents, {w.progress(1)});
  require_same("progress", fact.progress, {});
  require_same("events", fact.events,
               {{7, 1, 2, 3, event_kind::task_started, w.now, R"({"w":1})"}});
  require_same("changed", result.replies[0].tasks_changed, std::int64_t{3});
  require_same("due", fact.due, false);
}

void tasks_of_a_range_are_refused_one_by_one(const store_factory& make) {
  workbench w{make};
  w.submit_children(6);
  w.lease(1, {2, 6}, 0);
  w.move(w.plan(1, {4, 1}, running, 1, succeeded));
  auto plan = w.plan(1, {2, 6}, running, 1, failed);
  plan.events = {{event_kind::task_failed, "1"},
                 {event_kind::task_retries_exhausted, "2"}};
  const auto result = w.commit_parts(plan);
  require_same("refusals", result.replies[0].refusals,
               {{0, 4, 1, failed, succeeded, 1}});
  require_same("changed", result.replies[0].tasks_changed, std::int64_t{5});
  require_same("moves", result.fact.moves,
               {{1, 1, {2, 2}, running, failed, 1, no_time},
                {1, 1, {5, 3}, running, failed, 1, no_time}});
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
  late.events = {task_succeeded(2)};
  const auto result = w.commit_parts(late);
  require_same("refusal", result.replies[0].refusals,
               {{0, 1, 2, succeeded, running, 1}});
  require_same("task", w.task(1), before);
  require_same("moves", result.fact.moves, {});
  require_same("events", result.fact.events, {});
  require_same("no commit", result.fact.number, std::uint64_t{2});
  require_same("unknown", w.lease(0, {50, 1}, 0).refusals,
               {{0, 50, 0, running, task_state{}, 0}});
}

void a_retry_and_its_counts(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  w.lease(0, {1, 1}, 0);
  auto fails = w.plan(0, {1, 1}, running, 1, retrying);
  fails.budgeted = true;
  const auto fact = w.commit_parts(fails).fact;
  const auto due = w.now + milliseconds{1'000};
  require_same("moves", fact.moves,
               {{1, 0, {1, 1}, running, retrying, 1, due}});
  require_same("progress", fact.progress, {w.run(1)});
  require_same("run", w.run(1).retries, std::int64_t{1});
  require_same("not failed", w.run(1).failed, std::int64_t{0});
  require_same("due", w.task(1).due_at, due);
  require_same("next", w.reader->next_due_at(), std::optional{due});
  const auto retries = [&](timestamp now) {
    return w.groups({.of = group_query::kind::retries_due, .now = now});
  };
  require_same("early", retries(due - milliseconds{1}), {});
  require_same("then", retries(due), {{1, 0, {1, 1}, retrying, 1, 0, 0, due}});
  auto again = w.plan(0, {1, 1}, retrying, 1, pending);
  again.retried = true;
  w.now += milliseconds{1'500};
  require_same("may be claimed", w.commit_parts(again).fact.due, true);
  require_same("count", w.task(1).retry_count, 1);
  require_same("once", w.run(1).retries, std::int64_t{1});
  require_same("waiting",
               w.groups({.of = group_query::kind::waiting, .now = w.now}),
               {{1, 0, {1, 1}, pending, 1, 1, 0, w.now}});
  require_same("none", w.reader->next_due_at(), std::optional<timestamp>{});
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
  require_same("due", task.due_at, w.now);
}

void an_attempt_may_have_begun_after_its_lease(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), leaf("c")});
  const auto leased = w.now;
  w.lease(0, {1, 3}, 0);
  w.now += milliseconds{500};
  auto done = w.plan(0, {1, 1}, running, 1, succeeded);
  done.ran = milliseconds{120};
  auto impossible = w.plan(0, {3, 1}, running, 1, succeeded);
  impossible.ran = milliseconds{100'000};
  w.apply_parts(done, w.plan(0, {2, 1}, running, 1, succeeded), impossible);
  require_same("known", w.task(1).started_at, w.now - milliseconds{120});
  require_same("as leased", w.task(2).started_at, leased);
  require_same("before the task was", w.task(3).started_at, leased);
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
  require_same("outputs", w.reader->texts(text_kind::output, {1, 2}),
               {"[1]", ""});
  require_same("errors", w.reader->texts(text_kind::error, {1, 2}),
               {R"({"type":"boom"})", ""});
}

void outputs_go_with_their_tasks(const store_factory& make) {
  workbench w{make};
  w.submit_children(5);
  w.lease(1, {2, 5}, 0);
  w.move(w.plan(1, {4, 1}, running, 1, cancelled));
  auto done = w.plan(1, {2, 5}, running, 1, succeeded);
  done.outputs = {"2", "3", "4", "", "6"};
  require_same("refused", w.move(done).refusals,
               {{0, 4, 1, succeeded, cancelled, 1}});
  require_same("outputs", w.reader->texts(text_kind::output, {2, 5}),
               {"2", "3", "", "", "6"});
}

/// Each of a range gets the error, however the range lies in the tables.
void an_error_is_of_each_task_that_moved(const store_factory& make) {
  workbench w{make};
  w.submit_children(4);
  w.lease(1, {2, 4}, 0);
  w.move(w.plan(1, {3, 1}, running, 1, succeeded));
  auto fails = w.plan(1, {2, 3}, running, 1, failed);
  fails.error = R"({"type":"b"})";
  w.move(fails);
  require_same("errors", w.reader->texts(text_kind::error, {2, 4}),
               {fails.error, "", fails.error, ""});
}

void top_level_tasks_count_in_their_run(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), parent("p", 2), leaf("b")});
  const auto fact
    = w.commit_parts(w.plan(0, {1, 3}, pending, 0, cancelled)).fact;
  require_same("cancelled", w.run(1).cancelled, std::int64_t{3});
  require_same("progress", fact.progress, {w.run(1)});
  require_same("parents", fact.parents, {w.progress(2)});
  require_same("parent", w.progress(2).state, cancelled);
  require_same("open", w.reader->load_open_parents(0, 9), {});
  require_same(
    "due", w.commit_parts(w.plan(0, {1, 3}, cancelled, 0, pending)).fact.due,
    true);
  require_same("back", w.run(1).cancelled, std::int64_t{0});
  require_same("parent again", w.progress(2).state, pending);
  require_same("open again", w.reader->load_open_parents(0, 9),
               {w.progress(2)});
  require_same("a parent is never due", w.task(2).due_at, no_time);
  const auto waiting = [&](timestamp now) {
    return w.groups({.of = group_query::kind::waiting, .now = now});
  };
  require_same("due", waiting(w.now),
               {{1, 0, {1, 1}, pending, 0, 0, 0, w.now},
                {1, 0, {3, 1}, pending, 0, 0, 0, w.now}});
}

void settling_a_parent(const store_factory& make) {
  workbench w{make};
  w.submit_children(2);
  w.lease(1, {2, 2}, 0);
  w.move(w.plan(1, {2, 2}, running, 1, succeeded));
  require_same("children", w.progress(1).children,
               state_counts{.succeeded = 2});
  auto done = w.plan(0, {1, 1}, pending, 0, succeeded);
  done.outputs = {"{}"};
  require_same("fine", w.move(done).refusals, {});
  require_same("run", w.run(1).succeeded, std::int64_t{1});
  require_same("task", w.task(1).state, succeeded);
  require_same("once", w.move(done).refusals,
               {{0, 1, 0, succeeded, succeeded, 0}});
  require_same("counted once", w.run(1).succeeded, std::int64_t{1});
}

void a_parent_that_is_reopened_has_no_result(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 1), leaf("a")});
  auto fails = w.plan(0, {1, 1}, pending, 0, failed);
  fails.outputs = {R"({"failed":1})"};
  w.move(fails);
  require_same("output", w.task(1).output, fails.outputs[0]);
  require_same("error", w.task(1).last_error, fails.error);
  w.move(w.plan(0, {1, 1}, failed, 0, pending));
  require_same("no output", w.task(1).output, std::string{});
  require_same("no error", w.task(1).last_error, std::string{});
  require_same("open", w.progress(1).state, pending);
  w.lease(0, {2, 1}, 0);
  w.move(w.plan(0, {2, 1}, running, 1, failed));
  w.move(w.plan(0, {2, 1}, failed, 1, pending));
  require_same("a leaf keeps its error", w.task(2).last_error, fails.error);
}

void runs_move_from_the_state_they_are_in(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  const auto move = [&](run_state from, run_state to) {
    w.now += milliseconds{10};
    return w.commit_parts(move_run{1, from, to, {run_started()}});
  };
  const auto started = move(run_state::pending, run_state::running);
  require_same("started", w.run(1).started_at, w.now);
  require_same("changed", started.replies[0].runs_changed, std::int64_t{1});
  const auto stale = move(run_state::pending, run_state::running);
  require_same("refused", stale.replies[0].refusals,
               {{0, 0, 0, running, running, 0}});
  require_same("no events", stale.fact.events, {});
  require_same("no progress", stale.fact.progress, {});
  require_same("unchanged", stale.replies[0].runs_changed, std::int64_t{0});
  const auto early = move(run_state::running, run_state::failed);
  require_same("tasks are open", early.fact.events, {});
  require_same("refused early", early.replies[0].refusals,
               {{0, 0, 0, failed, running, 0}});
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
  const auto said = [](const char* text) {
    return event_entry{event_kind::health_changed, text};
  };
  auto lease = w.plan(1, {2, 2}, pending, 0, running);
  lease.events = {said("lease")};
  auto settle = w.plan(1, {2, 2}, running, 1, failed);
  settle.events = {said("settle")};
  const auto result = w.commit_parts(
    w.plan(1, {2, 2}, pending, 0, running), append_event{1, 0, said("first")},
    start_of_run(1), page(1, 2), lease, settle,
    w.plan(0, {1, 1}, pending, 0, failed),
    move_run{1, run_state::running, run_state::failed, {said("end")}},
    append_event{1, 0, said("last")});
  std::vector<std::string> seen;
  for (const auto& e : result.fact.events)
    seen.push_back(e.payload);
  require_same("events", seen,
               {"first", "{}", "{}", "lease", "settle", "end", "last"});
  require_same(
    "before its page", result.replies[0].refusals,
    {{0, 2, 0, running, task_state{}, 0}, {0, 3, 0, running, task_state{}, 0}});
  require_same("run", w.run(1).state, run_state::failed);
  require_same("changed", result.replies[0].tasks_changed,
               std::int64_t{2 + 2 + 2 + 1});
}

void change_sets_apply_in_order(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  const auto lease = set_of(w.plan(0, {1, 1}, pending, 0, running));
  const auto done = set_of(w.plan(0, {1, 1}, running, 1, succeeded));
  const auto result = w.commit(std::vector{done, lease, lease, done});
  std::vector<std::size_t> refused;
  for (const auto& reply : result.replies)
    refused.push_back(reply.refusals.size());
  require_same("refused", refused, {1, 0, 1, 0});
  require_same("done", w.task(1).state, succeeded);
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
    {"an attempt may have begun after its lease",
     an_attempt_may_have_begun_after_its_lease},
    {"texts stay unless set", texts_stay_unless_set},
    {"outputs go with their tasks", outputs_go_with_their_tasks},
    {"an error is of each task that moved",
     an_error_is_of_each_task_that_moved},
    {"top-level tasks count in their run", top_level_tasks_count_in_their_run},
    {"settling a parent", settling_a_parent},
    {"a parent that is reopened has no result",
     a_parent_that_is_reopened_has_no_result},
    {"runs move from the state they are in",
     runs_move_from_the_state_they_are_in},
    {"parts apply in order", parts_apply_in_order},
    {"change sets apply in order", change_sets_apply_in_order},
  };
  return cases;
}

} // namespace conductor::test
