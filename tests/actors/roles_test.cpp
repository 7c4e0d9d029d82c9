#define CAF_SUITE actors.roles

#include <conductor/builtin_handlers.hpp>
#include <conductor/event_payload.hpp>
#include <conductor/lifecycle.hpp>

#include "actors/engine/parts.hpp"
#include "actors/rules/retry_rules.hpp"

// CAF's test macros need this name.
#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>

using namespace conductor;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// A store that fails on request, in front of the reference model.
class failing_store final : public store {
public:
  batch_result commit(std::span<const change_set> batch,
                      timestamp now) override {
    ++commits;
    if (failing)
      throw store_error{{errc::full, "no room"}, fatal};
    return inner->commit(batch, now);
  }
  std::int64_t epoch() const override { return inner->epoch(); }
  void maintain() override { inner->maintain(); }
  std::unique_ptr<store_reader> open_reader() override {
    return inner->open_reader();
  }

  std::unique_ptr<store> inner = make_memory_store();
  int commits = 0;
  bool failing = false, fatal = false;
};

change_set submission_of(const std::string& name, std::int64_t children = -1,
                         const std::string& handler = "noop") {
  change_set changes;
  task_submission task{.total = children};
  task.spec.name = "job";
  task.spec.handler = handler;
  task.spec.retry.jitter = jitter::none;
  if (children >= 0)
    task.spec.fanout = {.kind = source_kind::count, .count = children};
  changes.add(submission{.name = name, .tasks = {task}});
  return changes;
}

/// A change set that the writer never rejects.
change_set event_of_no_run() {
  change_set changes;
  changes.add(append_event{0, 0, health_changed("HEALTHY", "WARNING", {})});
  return changes;
}

/// The moves of running children 2 … of parent 1.
change_set move_of(task_range tasks, task_state to) {
  change_set changes;
  const auto* error = R"({"attempt":1,"message":"no","type":"exit"})";
  move_tasks m{.run = 1,
               .parent = 1,
               .tasks = tasks,
               .from = task_state::running,
               .attempt = 1,
               .to = to};
  if (to == task_state::failed || to == task_state::retrying) {
    m.error = error;
    m.events.push_back(task_failed(1, error, to == task_state::retrying));
  }
  changes.add(std::move(m));
  return changes;
}

change_set claim_of(std::int64_t count) {
  change_set changes;
  changes.add(claim_tasks{{{"noop", count}}, count});
  return changes;
}

/// All roles on one store, under CAF's deterministic scheduler: nothing runs
/// until it is asked to, time stands still until it is moved.
struct fixture : test_coordinator_fixture<config> {
  std::shared_ptr<failing_store> db = std::make_shared<failing_store>();
  std::shared_ptr<std::int64_t> now = std::make_shared<std::int64_t>(1000);
  std::vector<caf::actor> spawned;
  fact_router_actor router;
  persistence_actor writer;

  template <class Actor>
  Actor keep(Actor actor) {
    spawned.push_back(caf::actor_cast<caf::actor>(actor));
    return actor;
  }

  options opts() const {
    options o;
    o.batch = 8;
    o.max_waiting = 4;
    o.gather_time = milliseconds{0};
    o.workers = 2;
    o.seed = 1;
    return o;
  }

  fixture() {
    router = keep(spawn_fact_router(sys, placement::shared));
    writer = keep(
      spawn_persistence(sys, placement::shared, db, opts(), clock(), router));
    consume_messages();
  }

  ~fixture() {
    for (const auto& actor : spawned)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    consume_messages();
  }

  clock_fn clock() {
    return [now = now] { return from_ms(*now); };
  }

  role_context context() {
    return {opts(),      clock(),
            writer,      [db = db] { return db->open_reader(); },
            db->epoch(), make_outcome_queue()};
  }

  template <class Actor, class Request>
  auto send(const Actor& actor, Request request) {
    return self->request(actor, caf::infinite, std::move(request));
  }

  commit_reply commit(change_set changes) {
    auto handle = send(writer, std::move(changes));
    consume_messages();
    commit_reply answer;
    handle.receive([&](commit_reply& r) { answer = std::move(r); },
                   [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
    return answer;
  }

  template <class Actor>
  pass_report pass(const Actor& actor) {
    auto handle = send(actor, pass_request{});
    consume_messages();
    pass_report answer;
    handle.receive([&](pass_report& r) { answer = r; },
                   [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
    return answer;
  }

  std::vector<event_record> events(const std::string& kind) {
    return db->open_reader()->list_events({.name = kind}, 0, 100'000);
  }

  /// The payload of the first event of a kind.
  std::string payload(const std::string& kind) {
    const auto found = events(kind);
    return found.empty() ? "" : found.front().payload;
  }

  parent_record parent(task_key key) {
    return *db->open_reader()->load_parent(key);
  }

  task_record task(task_key key) { return *db->open_reader()->load_task(key); }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(role_tests, fixture)

CAF_TEST(changes that wait together share one commit) {
  auto one = send(writer, submission_of("one"));
  auto two = send(writer, submission_of("two"));
  auto three = send(writer, submission_of("three"));
  consume_messages();
  CAF_CHECK_EQUAL(db->commits, 1);
  std::set<run_key> runs;
  const auto take
    = [&](const commit_reply& r) { runs.insert(r.runs.front().key); };
  const auto bad = [&](const caf::error& e) { CAF_FAIL(sys.render(e)); };
  one.receive(take, bad);
  two.receive(take, bad);
  three.receive(take, bad);
  CAF_CHECK_EQUAL(runs.size(), 3u);
}

CAF_TEST(a full disk refuses submissions and keeps everything else) {
  commit(submission_of("before"));
  db->failing = true;
  CAF_CHECK(commit(submission_of("refused")).failed.code == errc::full);
  auto handle = send(writer, event_of_no_run());
  consume_messages();
  db->failing = false;
  advance_time(opts().storage_retry);
  consume_messages();
  bool answered = false;
  handle.receive([&](const commit_reply& r) { answered = !r.failed; },
                 [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
  CAF_CHECK(answered);
  CAF_CHECK(!commit(submission_of("after")).failed);
}

CAF_TEST(promises are answered when the writer dies) {
  db->failing = true;
  auto handle = send(writer, event_of_no_run());
  consume_messages();
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  consume_messages();
  errc code{};
  handle.receive([&](const commit_reply& r) { code = r.failed.code; },
                 [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
  CAF_CHECK(code == errc::stopped);
}

CAF_TEST(a lost storage answers everybody) {
  db->failing = db->fatal = true;
  CAF_CHECK(commit(event_of_no_run()).failed.code == errc::full);
  CAF_CHECK(commit(submission_of("late")).failed.code == errc::full);
}

CAF_TEST(a fan out is exact however often it runs) {
  commit(submission_of("wide", 2500));
  const auto fanout = keep(spawn_fanout(sys, placement::shared, context()));
  CAF_CHECK_EQUAL(pass(fanout).changed, 2500);
  CAF_CHECK_EQUAL(pass(fanout).changed, 0);
  const auto parent = db->open_reader()->load_parent(1);
  CAF_CHECK_EQUAL(parent->expanded, 2500);
  CAF_CHECK_EQUAL(parent->children.pending, 2500);
  // Two actors, one cursor: what one has done the other finds done.
  commit(submission_of("again", 1500));
  const auto other = keep(spawn_fanout(sys, placement::shared, context()));
  auto first = send(fanout, pass_request{});
  auto second = send(other, pass_request{});
  consume_messages();
  std::int64_t created = 0;
  const auto add = [&](const pass_report& r) { created += r.changed; };
  const auto bad = [&](const caf::error& e) { CAF_FAIL(sys.render(e)); };
  first.receive(add, bad);
  second.receive(add, bad);
  CAF_CHECK_EQUAL(created, 1500);
}

CAF_TEST(the executor leases runs and settles) {
  commit(submission_of("work", 10));
  pass(keep(spawn_fanout(sys, placement::shared, context())));
  const auto executor = keep(spawn_executor(sys, placement::shared, context(),
                                            {{"noop", make_noop_handler()}}));
  caf::anon_send(router, listen_request{executor});
  pass(executor);
  consume_messages();
  for (int i = 0; i < 10; ++i)
    pass(executor);
  const auto parent = db->open_reader()->load_parent(1);
  CAF_CHECK_EQUAL(parent->children.succeeded, 10);
  const auto aggregate
    = keep(spawn_aggregate(sys, placement::shared, context()));
  pass(aggregate);
  CAF_CHECK(db->open_reader()->load_run(1)->state == run_state::succeeded);
}

CAF_TEST(the retry actor waits until a retry is due) {
  commit(submission_of("flaky"));
  const auto granted = commit(claim_of(1)).granted;
  CAF_REQUIRE_EQUAL(granted.size(), 1u);
  change_set failed;
  failed.add(rules::plan_failure(
    granted[0], {.type = "exit", .error = R"({"type":"exit"})"}, {},
    {.jitter = jitter::none}, true, 0));
  commit(std::move(failed));
  const auto retry = keep(spawn_retry(sys, placement::shared, context()));
  CAF_CHECK_EQUAL(pass(retry).changed, 0);
  *now += 999;
  CAF_CHECK_EQUAL(pass(retry).changed, 0);
  *now += 1;
  CAF_CHECK_EQUAL(pass(retry).changed, 1);
  CAF_CHECK(task(1).state == task_state::pending);
  CAF_CHECK_EQUAL(task(1).retry_count, 1);
  CAF_CHECK_EQUAL(db->open_reader()->load_run(1)->retries, 1);
  CAF_REQUIRE_EQUAL(events("worker.retry.finished").size(), 1u);
  CAF_CHECK_EQUAL(payload("worker.retry.finished"), R"({"retried":1})");
}

CAF_TEST(retries that fall due together are one change set) {
  commit(submission_of("flaky", 1000));
  pass(keep(spawn_fanout(sys, placement::shared, context())));
  commit(claim_of(1000));
  commit(move_of({2, 400}, task_state::retrying));
  commit(move_of({402, 600}, task_state::retrying));
  const auto retry = keep(spawn_retry(sys, placement::shared, context()));
  const auto before = db->commits;
  const auto report = pass(retry);
  CAF_CHECK_EQUAL(report.found, 1000);
  CAF_CHECK_EQUAL(report.changed, 1000);
  CAF_CHECK_EQUAL(db->commits - before, 1);
  CAF_CHECK_EQUAL(parent(1).children.pending, 1000);
  CAF_CHECK_EQUAL(events("worker.retry.started").size(), 1u);
  CAF_CHECK_EQUAL(payload("worker.retry.finished"), R"({"retried":1000})");
}

CAF_TEST(an empty fan out succeeds in the pass that finds it) {
  commit(submission_of("none", 0));
  pass(keep(spawn_fanout(sys, placement::shared, context())));
  CAF_CHECK(task(1).state == task_state::succeeded);
  CAF_CHECK_EQUAL(events("worker.fanout.skipped").size(), 1u);
  const auto report
    = pass(keep(spawn_aggregate(sys, placement::shared, context())));
  CAF_CHECK_EQUAL(report.changed, 1);
  CAF_CHECK(db->open_reader()->load_run(1)->state == run_state::succeeded);
}

namespace {

change_set failing_fast(std::int64_t children) {
  auto changes = submission_of("quick to fail", children);
  auto& run = std::get<submission>(changes.parts.at(0));
  run.tasks.at(0).spec.on_failure = on_failure::fail_fast;
  return changes;
}

} // namespace

CAF_TEST(fail fast cancels the rest and ends the run) {
  commit(failing_fast(3000));
  // One page exists; the others are never created.
  change_set page;
  page.add(start_of_run(1));
  page.add(expand_parent{.run = 1, .parent = 1, .first = 1, .count = 1000});
  commit(std::move(page));
  commit(claim_of(10));
  commit(move_of({2, 1}, task_state::failed));
  commit(move_of({3, 1}, task_state::retrying));
  commit(move_of({4, 1}, task_state::succeeded));
  const auto report
    = pass(keep(spawn_aggregate(sys, placement::shared, context())));
  // 998 children, then the parent and the run.
  CAF_CHECK_EQUAL(parent(1).children.cancelled, 998);
  CAF_CHECK_EQUAL(parent(1).total, 1000);
  CAF_CHECK_EQUAL(events("task.cancelled").size(), 998u);
  if (task(1).state == task_state::pending)
    pass(keep(spawn_aggregate(sys, placement::shared, context())));
  CAF_CHECK(report.changed >= 998);
  CAF_CHECK(task(1).state == task_state::failed);
  CAF_CHECK(db->open_reader()->load_run(1)->state == run_state::failed);
  const auto late = commit(move_of({5, 1}, task_state::succeeded));
  CAF_CHECK_EQUAL(late.refusals.size(), 1u);
}

CAF_TEST(fail fast cancels any number of groups page by page) {
  commit(failing_fast(1600));
  pass(keep(spawn_fanout(sys, placement::shared, context())));
  commit(claim_of(1600));
  // Every other child has another state: each is a group of its own.
  change_set odd;
  for (task_key key = 2; key < 1602; key += 2)
    odd.parts.push_back(move_of({key, 1}, task_state::succeeded).parts.front());
  commit(std::move(odd));
  commit(move_of({3, 1}, task_state::failed));
  const auto before = db->commits;
  pass(keep(spawn_aggregate(sys, placement::shared, context())));
  CAF_CHECK_EQUAL(parent(1).children.cancelled, 799);
  CAF_CHECK(db->commits - before >= 2);
}

CAF_TEST(a pass reports what was applied) {
  commit(submission_of("job", 2));
  pass(keep(spawn_fanout(sys, placement::shared, context())));
  commit(claim_of(2));
  commit(move_of({2, 2}, task_state::succeeded));
  // Both find the same parent; one of them settles it.
  auto one = send(keep(spawn_aggregate(sys, placement::shared, context())),
                  pass_request{});
  auto other = send(keep(spawn_aggregate(sys, placement::shared, context())),
                    pass_request{});
  consume_messages();
  std::int64_t changed = 0;
  const auto add = [&](const pass_report& r) { changed += r.changed; };
  const auto bad = [&](const caf::error& e) { CAF_FAIL(sys.render(e)); };
  one.receive(add, bad);
  other.receive(add, bad);
  CAF_CHECK_EQUAL(changed, 2); // the parent and the run
  CAF_CHECK_EQUAL(events("worker.aggregate.started").size(), 1u);
  CAF_CHECK_EQUAL(payload("worker.aggregate.finished"),
                  R"({"parents":1,"runs":1})");
}

CAF_TEST_FIXTURE_SCOPE_END()
