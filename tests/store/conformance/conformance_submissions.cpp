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
  require_same("base of p", w.progress(2).base, task_key{4});
  require_same("base of q", w.progress(3).base, task_key{9});
  require_same("id", w.task(2).id, ids.text(id_kind::task, w.now, 2));
  require_same("first task", w.run(2).first_task, task_key{11});
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

void an_idempotency_key_finds_the_known_run(const store_factory& make) {
  workbench w{make};
  const auto first = w.submit({leaf("a")}, "key");
  const auto result = w.commit_parts(run_of({leaf("b")}, "key"));
  require_same("answer", result.replies[0].runs,
               {{first.key, first.id, true, first.first_task}});
  require_same("runs", result.fact.runs, {});
  require_same("events", result.fact.events, {});
  require_same("progress", result.fact.progress, {});
  require_same("due", result.fact.due, false);
  require_same("found", w.reader->find_run_by_idempotency_key("key"),
               std::optional<run_key>{1});
  require_same("empty key", w.reader->find_run_by_idempotency_key(""),
               std::optional<run_key>{});
  require_same("next", w.submit({leaf("b")}, "other").first_task, task_key{2});
}

change_set run_with_everything() {
  expand_parent expansion{.run = new_run, .parent = new_task(1), .count = 2};
  expansion.before = {{new_run, new_task(1), fanout_detected(3)}};
  expansion.after = {{new_run, 0, fanout_started()}};
  move_tasks cancel;
  cancel.run = new_run;
  cancel.tasks = {new_task(0), 1};
  cancel.to = task_state::cancelled;
  return set_of(
    run_of({leaf("a"), parent("b", 3)}, "key"), start_of_run(new_run),
    append_event{new_run, new_task(1), fanout_started()}, expansion, cancel);
}

void later_parts_name_what_a_submission_creates(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("before")});
  const auto reply = w.apply(run_with_everything());
  require_same("refusals", reply.refusals, {});
  const auto created = reply.runs.front();
  require_same("state", w.run(created.key).state, run_state::running);
  require_same("settled", w.run(created.key).cancelled, std::int64_t{1});
  const auto second = created.first_task + 1;
  require_same("children", w.progress(second).expanded, std::int64_t{2});
  require_same("child", w.task(w.progress(second).base).parent, second);
  std::vector<std::string> said;
  for (const auto& e : w.reader->list_events({.task = second}, 0, 99))
    said.push_back(e.name);
  require_same(
    "events of the parent", said,
    {"task.created", "worker.fanout.started", "worker.fanout.detected"});
  const auto again = w.commit(run_with_everything());
  require_same("known", again.replies[0].runs.front().existed, true);
  require_same("refused", again.replies[0].refusals, {});
  require_same("dropped", again.fact.events, {});
  require_same("tasks", again.replies[0].tasks_changed, std::int64_t{0});
}

void other_parts_stand_when_the_run_is_known(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")}, "key");
  const auto result = w.commit_parts(
    run_of({leaf("b")}, "key"), append_event{new_run, 0, fanout_started()},
    append_event{1, 1, fanout_started()}, start_of_run(9));
  require_same("events", result.fact.events.size(), std::size_t{1});
  require_same("task", result.fact.events.at(0).first, task_key{1});
  require_same("place", result.replies[0].refusals.at(0).part, std::size_t{3});
}

void each_submission_names_its_own_run(const store_factory& make) {
  workbench w{make};
  const auto reply = w.apply_parts(run_of({leaf("a")}), start_of_run(new_run),
                                   run_of({leaf("b")}), start_of_run(new_run));
  require_same("refusals", reply.refusals, {});
  require_same("runs", reply.runs.size(), std::size_t{2});
  require_same("moved", reply.runs_changed, std::int64_t{2});
  require_same("first", w.run(1).state, run_state::running);
  require_same("second", w.run(2).state, run_state::running);
}

void an_idempotency_key_twice_in_one_change_set(const store_factory& make) {
  workbench w{make};
  const auto runs
    = w.apply_parts(run_of({leaf("b")}, "k"), run_of({leaf("b")}, "k")).runs;
  require("second existed", !runs.at(0).existed && runs.at(1).existed);
  require_same("key", runs[0].key, runs[1].key);
}

void an_idempotency_key_twice_in_one_batch(const store_factory& make) {
  workbench w{make};
  const auto changes = set_of(run_of({leaf("b")}, "k"), start_of_run(new_run));
  const auto result = w.commit(std::vector{changes, changes});
  require("second existed", !result.replies.at(0).runs.at(0).existed
                              && result.replies.at(1).runs.at(0).existed);
  require_same("dropped", result.replies[1].refusals, {});
  require_same("facts", result.fact.runs.size(), std::size_t{1});
}

void a_commit_leaves_its_input_as_it_was(const store_factory& make) {
  workbench w{make};
  const auto before = run_with_everything();
  std::vector<change_set> batch{before, before};
  w.kept->commit(batch, w.now);
  require("first", batch[0] == before);
  require("second", batch[1] == before);
}

void submission_events(const store_factory& make) {
  workbench w{make};
  auto run = run_of({leaf("a"), parent("p", 3)});
  run.name = "r";
  const auto fact = w.commit_parts(run).fact;
  require_same(
    "events", fact.events,
    {{1, 1, 0, 1, event_kind::run_created, w.now, R"({"name":"r","tasks":2})"},
     {2, 1, 1, 1, event_kind::task_created, w.now, R"({"name":"a"})"},
     {3, 1, 2, 1, event_kind::task_created, w.now,
      R"({"children":3,"name":"p"})"}});
  require_same("number", fact.number, std::uint64_t{1});
  require_same("at", fact.at, w.now);
  require_same("parents", fact.parents, {w.progress(2)});
  require_same("progress", fact.progress, {w.run(1)});
  require_same("due", fact.due, true);
}

void a_run_of_parents_has_nothing_due(const store_factory& make) {
  workbench w{make};
  const auto result = w.commit_parts(run_of({parent("p", 3)}));
  require_same("due", result.fact.due, false);
  require_same("changed", result.replies[0].tasks_changed, std::int64_t{0});
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
  const auto waiting = [&](timestamp at) {
    return w.groups({.of = group_query::kind::waiting, .now = at});
  };
  require_same("due", waiting(w.now),
               {{1, 0, {1, 1}, task_state::pending, 0, 0, 0, w.now}});
  require_same("not yet", waiting(w.now - milliseconds{1}), {});
  parent_record p{.task = 2, .run = 1, .base = 3, .total = 3};
  p.children.not_created = 3;
  require_same("parent", w.progress(2), p);
}

void what_was_submitted_comes_back(const store_factory& make) {
  workbench w{make};
  auto p = parent("p", 2);
  p.spec.tolerate = {0, 12.5};
  p.spec.collect = collect::outputs;
  p.spec.retry.non_retryable = {"bad"};
  p.spec.directory = "/tmp";
  const auto run = w.submit({p});
  w.expand(1, 1, 1);
  const task_template known{1, 1, run.id, w.now, 2, 0, p.spec};
  require_same("template", w.reader->load_template(1), std::optional{known});
  require_same("of a child", w.reader->load_template(2), std::optional{known});
  require_same("not created", w.reader->load_template(3),
               std::optional<task_template>{});
}

} // namespace

const std::vector<conformance_case>& submission_cases() {
  static const std::vector<conformance_case> cases{
    {"keys and ids", keys_and_ids},
    {"ids of children carry the time of the submission",
     ids_of_children_carry_the_time_of_the_submission},
    {"an idempotency key finds the known run",
     an_idempotency_key_finds_the_known_run},
    {"later parts name what a submission creates",
     later_parts_name_what_a_submission_creates},
    {"other parts stand when the run is known",
     other_parts_stand_when_the_run_is_known},
    {"each submission names its own run", each_submission_names_its_own_run},
    {"an idempotency key twice in one change set",
     an_idempotency_key_twice_in_one_change_set},
    {"an idempotency key twice in one batch",
     an_idempotency_key_twice_in_one_batch},
    {"a commit leaves its input as it was",
     a_commit_leaves_its_input_as_it_was},
    {"submission events", submission_events},
    {"a run of parents has nothing due", a_run_of_parents_has_nothing_due},
    {"a new run and its tasks are pending",
     a_new_run_and_its_tasks_are_pending},
    {"what was submitted comes back", what_was_submitted_comes_back},
  };
  return cases;
}

} // namespace conductor::test
