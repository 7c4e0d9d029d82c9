#define CAF_SUITE actors.roles

#include "actors/rules/aggregate_rules.hpp"
#include <conductor/engine.hpp>
#include "actors/rules/lease_rules.hpp"
#include "actors/rules/retry_rules.hpp"
#include <conductor/roles.hpp>
#include <conductor/submission.hpp>

// CAF's test macros need this name.
#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>

using namespace conductor;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// A store that fails on request, in front of the reference model.
class moody_store final : public store {
public:
  batch_result commit(std::vector<change_set>& batch) override {
    ++commits;
    if (trouble)
      throw store_error{{errc::full, "no room"}, fatal};
    return inner->commit(batch);
  }
  std::int64_t epoch() const override { return inner->epoch(); }
  void maintain() override { inner->maintain(); }
  std::unique_ptr<store_reader> open_reader() override {
    return inner->open_reader();
  }

  std::unique_ptr<store> inner = make_memory_store();
  int commits = 0;
  bool trouble = false, fatal = false;
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
  changes.submissions.push_back(
    {.name = name, .tasks = {task}, .at = from_ms(1000)});
  return changes;
}

/// All roles on one store, under CAF's deterministic scheduler: nothing runs
/// until it is asked to, time stands still until it is moved.
struct fixture : test_coordinator_fixture<config> {
  std::shared_ptr<moody_store> db = std::make_shared<moody_store>();
  std::shared_ptr<std::int64_t> now = std::make_shared<std::int64_t>(1000);
  std::vector<caf::actor> spawned;
  event_hub_actor hub;
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
    o.automatic = false;
    o.workers = 2;
    o.seed = 1;
    return o;
  }

  fixture() {
    hub = keep(spawn_event_hub(sys, [db = db] { return db->open_reader(); }));
    writer = keep(spawn_persistence(sys, db, opts(), hub, false));
    consume_messages();
  }

  ~fixture() {
    for (const auto& actor : spawned)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    consume_messages();
  }

  role_context context() {
    return {opts(),       [now = now] { return from_ms(*now); },   writer,
            hub,          [db = db] { return db->open_reader(); }, db->epoch(),
            make_outbox()};
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
  db->trouble = true;
  CAF_CHECK(commit(submission_of("refused")).trouble.code == errc::full);
  change_set kept;
  kept.notes.push_back({1, 0, from_ms(1), {event_kind::health_changed, "{}"}});
  auto handle = send(writer, kept);
  consume_messages();
  db->trouble = false;
  advance_time(opts().storage_retry);
  consume_messages();
  bool answered = false;
  handle.receive([&](const commit_reply& r) { answered = !r.trouble; },
                 [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
  CAF_CHECK(answered);
  CAF_CHECK(!commit(submission_of("after")).trouble);
}

CAF_TEST(promises are answered when the writer dies) {
  db->trouble = true;
  auto handle = send(writer, change_set{.released = {1}});
  consume_messages();
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  consume_messages();
  errc code{};
  handle.receive([&](const commit_reply& r) { code = r.trouble.code; },
                 [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
  CAF_CHECK(code == errc::stopped);
}

CAF_TEST(a lost storage answers everybody) {
  db->trouble = db->fatal = true;
  CAF_CHECK(commit(change_set{.released = {1}}).trouble.code == errc::full);
  CAF_CHECK(commit(submission_of("late")).trouble.code == errc::full);
}

CAF_TEST(a fan out is exact however often it runs) {
  commit(submission_of("wide", 2500));
  const auto fanout = keep(spawn_fanout(sys, context()));
  CAF_CHECK_EQUAL(pass(fanout).changed, 2500);
  CAF_CHECK_EQUAL(pass(fanout).changed, 0);
  const auto parent = db->open_reader()->load_fanout(1);
  CAF_CHECK_EQUAL(parent->expanded, 2500);
  CAF_CHECK_EQUAL(parent->children.pending, 2500);
  // Two actors, one cursor: what one has done the other finds done.
  commit(submission_of("again", 1500));
  const auto other = keep(spawn_fanout(sys, context()));
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
  pass(keep(spawn_fanout(sys, context())));
  const auto executor
    = keep(spawn_executor(sys, context(), {{"noop", make_noop_handler()}}));
  caf::anon_send(hub, listen{executor});
  pass(executor);
  consume_messages();
  for (int i = 0; i < 10; ++i)
    pass(executor);
  const auto parent = db->open_reader()->load_fanout(1);
  CAF_CHECK_EQUAL(parent->children.succeeded, 10);
  const auto aggregate = keep(spawn_aggregate(sys, context()));
  pass(aggregate);
  CAF_CHECK(db->open_reader()->load_run(1)->state == run_state::succeeded);
}

CAF_TEST(an executor takes over what another epoch has leased) {
  commit(submission_of("orphan"));
  change_set claim;
  claim.run_starts.push_back(rules::plan_run_start(1, from_ms(1)));
  claim.moves.push_back(
    rules::plan_claim({1, 1, 0, 0, 0, 0}, 1, from_ms(1), from_ms(1'000'000)));
  commit(claim);
  auto other = context();
  other.epoch += 1;
  const auto executor
    = keep(spawn_executor(sys, other, {{"noop", make_noop_handler()}}));
  pass(executor);
  consume_messages();
  CAF_CHECK(task(1).state == task_state::succeeded);
  CAF_CHECK_EQUAL(task(1).attempt, 2);
  CAF_CHECK_EQUAL(task(1).retry_count, 0);
  CAF_CHECK_EQUAL(task(1).lost_count, 1);
}

CAF_TEST(the retry actor waits until a retry is due) {
  commit(submission_of("flaky"));
  const task_brief leased{1, 1, 0, 1, 0, 0};
  change_set changes;
  changes.run_starts.push_back(rules::plan_run_start(1, from_ms(*now)));
  changes.moves.push_back(
    rules::plan_claim({1, 1, 0, 0, 0, 0}, 1, from_ms(*now), from_ms(99'000)));
  changes.moves.push_back(rules::plan_failure(leased, {"exit", "no", {}}, "",
                                              {.jitter = jitter::none}, true,
                                              from_ms(*now), 0));
  changes.released = {1};
  commit(changes);
  const auto retry = keep(spawn_retry(sys, context()));
  CAF_CHECK_EQUAL(pass(retry).changed, 0);
  *now += 999;
  CAF_CHECK_EQUAL(pass(retry).changed, 0);
  *now += 1;
  CAF_CHECK_EQUAL(pass(retry).changed, 1);
  CAF_CHECK(task(1).state == task_state::pending);
  CAF_CHECK_EQUAL(task(1).retry_count, 1);
}

CAF_TEST_FIXTURE_SCOPE_END()
