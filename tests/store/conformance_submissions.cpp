#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

void keys_and_ids(const store_factory& make) {
  workbench w{make};
  const auto first = w.submit({leaf("a"), parent("p", 5), parent("q", 2)});
  const auto second = w.submit({leaf("b")});
  const auto ids = w.reader->ids();
  require_same("first", first,
               submitted_run{1, ids.text(id_kind::run, w.now, 1), false, 1});
  require_same("second", second,
               submitted_run{2, ids.text(id_kind::run, w.now, 2), false, 11});
  require_same("base of p", w.fanout(2).base, task_key{4});
  require_same("base of q", w.fanout(3).base, task_key{9});
  require_same("id", w.task(2).id, ids.text(id_kind::task, w.now, 2));
}

void ids_of_children_carry_the_time_of_the_submission(
  const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 2)});
  const auto submitted = w.now;
  w.now += milliseconds{50};
  w.expand(1, 1, 2);
  const auto child = w.task(3);
  require_same("id", child.id,
               w.reader->ids().text(id_kind::task, submitted, 3));
  require_same("parent", child.parent_task_id, w.task(1).id);
  require_same("created", child.created_at, w.now);
  require_same("found", w.reader->find_task(child.id),
               std::optional<task_key>{3});
  const auto wrong = w.reader->ids().text(id_kind::task, w.now, 3);
  require_same("wrong time", w.reader->find_task(wrong),
               std::optional<task_key>{});
  require_same("run id as task", w.reader->find_task(w.run(1).id),
               std::optional<task_key>{});
}

void idempotency_key_answers_the_known_run(const store_factory& make) {
  workbench w{make};
  const auto first = w.submit({leaf("a")}, "key");
  change_set again;
  again.submissions.push_back(
    {.name = "x", .idempotency_key = "key", .tasks = {leaf("b")}, .at = w.now});
  const auto result = w.commit(again);
  require_same("answer", result.replies[0].runs,
               {{first.key, first.id, true, first.first_task}});
  require_same("runs", result.fact.runs, {});
  require_same("events", result.fact.events, {});
  require_same("progress", result.fact.progress, {});
  require_same("found", w.reader->find_run_by_idempotency_key("key"),
               std::optional<run_key>{1});
  require_same("empty key", w.reader->find_run_by_idempotency_key(""),
               std::optional<run_key>{});
  require_same("next", w.submit({leaf("b")}, "other").first_task, task_key{2});
}

void what_a_submission_creates_can_be_named_beside_it(
  const store_factory& make) {
  workbench w{make};
  w.submit({leaf("before")});
  const auto plan = [&] {
    change_set changes;
    changes.submissions.push_back({.name = "x",
                                   .idempotency_key = "key",
                                   .tasks = {leaf("a"), parent("b", 3)},
                                   .at = w.now});
    changes.run_starts.push_back(
      {new_run, run_state::pending, run_state::running, w.now, {}});
    changes.leading.push_back(
      {new_run, new_task(1), w.now, {event_kind::fanout_detected, "{}"}});
    changes.expansions.push_back(
      {.run = new_run, .parent = new_task(1), .count = 2, .at = w.now});
    changes.moves.push_back({.run = new_run,
                             .tasks = {new_task(0), 1},
                             .to = task_state::cancelled,
                             .at = w.now});
    return changes;
  };
  const auto created = w.commit(plan()).replies[0].runs.front();
  require_same("state", w.run(created.key).state, run_state::running);
  require_same("settled", w.run(created.key).cancelled, std::int64_t{1});
  const auto fanout = *w.reader->load_fanout(created.first_task + 1);
  require_same("children", fanout.expanded, std::int64_t{2});
  require_same("child", w.task(fanout.base).parent, created.first_task + 1);
  const auto noted = w.reader->list_events(
    {.task = created.first_task + 1, .name = "worker."}, 0, 10);
  require_same("notes", noted.size(), std::size_t{1});
  const auto again = w.commit(plan());
  require_same("known", again.replies[0].runs.front().existed, true);
  require_same("refused", again.replies[0].refusals, {});
  require_same("dropped", again.fact.events, {});
}

void idempotency_key_twice_in_one_change_set(const store_factory& make) {
  workbench w{make};
  change_set changes;
  for (int i = 0; i < 2; ++i)
    changes.submissions.push_back(
      {.name = "x", .idempotency_key = "k", .tasks = {leaf("b")}, .at = w.now});
  const auto runs = w.apply(changes).runs;
  require("second existed", !runs.at(0).existed && runs.at(1).existed);
  require_same("key", runs[0].key, runs[1].key);
}

void submission_events(const store_factory& make) {
  workbench w{make};
  change_set changes;
  changes.submissions.push_back(
    {.name = "r", .tasks = {leaf("a"), parent("p", 3)}, .at = w.now});
  const auto fact = w.commit(changes).fact;
  require_same(
    "events", fact.events,
    {{1, 1, 0, 1, event_kind::run_created, w.now, R"({"name":"r","tasks":2})"},
     {2, 1, 1, 1, event_kind::task_created, w.now, R"({"name":"a"})"},
     {3, 1, 2, 1, event_kind::task_created, w.now,
      R"({"children":3,"name":"p"})"}});
  require_same("number", fact.number, std::uint64_t{1});
  require_same("parents", fact.parents, {w.fanout(2)});
  require_same("progress", fact.progress, {w.run(1)});
}

void a_new_run_and_its_tasks_are_pending(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), parent("p", 3)});
  const auto run = w.run(1);
  require_same("run", run.state, run_state::pending);
  require_same("tasks", run.tasks, std::int64_t{2});
  require_same("updated", run.updated_at, w.now);
  require_same("leaf due", w.task(1).due_at, w.now);
  require_same("parent due", w.task(2).due_at, no_time);
  require_same("started", w.task(1).started_at, no_time);
  require_same("due", w.reader->load_due(w.now, {}, 9).size(), std::size_t{1});
  const auto before = w.now - milliseconds{1};
  require_same("not yet", w.reader->load_due(before, {}, 9).size(),
               std::size_t{0});
  fanout_record f{.task = 2, .run = 1, .base = 3, .total = 3};
  f.children.unborn = 3;
  require_same("fanout", w.fanout(2), f);
}

void what_was_submitted_comes_back(const store_factory& make) {
  workbench w{make};
  auto p = parent("p", 2);
  p.source = {"/tmp/x", 12, 345'678'901'234, true};
  p.spec.tolerate = {0, 12.5};
  p.spec.collect = collect::outputs;
  p.spec.retry.non_retryable = {"bad"};
  p.spec.directory = "/tmp";
  const auto run = w.submit({p});
  w.expand(1, 1, 1);
  const task_origin origin{1, 1, run.id, w.now, 2, p.spec};
  require_same("origin", w.reader->load_origin(1), std::optional{origin});
  require_same("of a child", w.reader->load_origin(2), std::optional{origin});
  require_same("unborn", w.reader->load_origin(3),
               std::optional<task_origin>{});
  require_same("source", w.fanout(1).source, p.source);
}

} // namespace

const std::vector<conformance_case>& submission_cases() {
  static const std::vector<conformance_case> cases{
    {"keys and ids", keys_and_ids},
    {"ids of children carry the time of the submission",
     ids_of_children_carry_the_time_of_the_submission},
    {"idempotency key answers the known run",
     idempotency_key_answers_the_known_run},
    {"idempotency key twice in one change set",
     idempotency_key_twice_in_one_change_set},
    {"what a submission creates can be named beside it",
     what_a_submission_creates_can_be_named_beside_it},
    {"submission events", submission_events},
    {"a new run and its tasks are pending",
     a_new_run_and_its_tasks_are_pending},
    {"what was submitted comes back", what_was_submitted_comes_back},
  };
  return cases;
}

} // namespace conductor::test
