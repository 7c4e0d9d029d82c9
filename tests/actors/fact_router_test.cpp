#define CAF_SUITE actors.fact_router

#include "actors/engine/parts.hpp"

// CAF's test macros need this name.
#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>

using namespace conductor;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

struct heard {
  int facts = 0, storage = 0;
};

using listener_actor = extended_interface<fact_listener, void(storage_state)>;

listener_actor::behavior_type count(listener_actor::pointer,
                                    std::shared_ptr<heard> log) {
  return {
    [=](const shared_fact&) { ++log->facts; },
    [=](const storage_state&) { ++log->storage; },
  };
}

committed moved_to(task_state to) {
  committed fact;
  fact.moves.push_back({.to = to});
  return fact;
}

/// A commit that touched a run of two tasks, `settled` of them settled.
committed run_with(std::int64_t settled, run_state state) {
  committed fact;
  fact.progress.push_back({.state = state, .tasks = 2, .succeeded = settled});
  return fact;
}

struct fixture : test_coordinator_fixture<config> {
  std::shared_ptr<engine_metrics> metrics = std::make_shared<engine_metrics>();
  std::shared_ptr<run_watch> watch = std::make_shared<run_watch>();
  fact_router_actor router
    = spawn_fact_router(sys, placement::shared, metrics, watch);
  std::vector<listener_actor> listeners;

  ~fixture() {
    for (const auto& listener : listeners)
      caf::anon_send_exit(listener, caf::exit_reason::kill);
    caf::anon_send_exit(router, caf::exit_reason::kill);
    consume_messages();
  }

  std::shared_ptr<heard> listen_to(std::uint32_t wanted) {
    auto log = std::make_shared<heard>();
    listeners.push_back(sys.spawn(count, log));
    caf::anon_send(router, listen_request{listeners.back(), wanted});
    caf::anon_send(router, listen_storage_request{listeners.back()});
    return log;
  }

  void route(committed fact) {
    caf::anon_send(router, std::make_shared<const committed>(std::move(fact)));
    consume_messages();
  }
  void route(storage_state state) {
    caf::anon_send(router, std::move(state));
    consume_messages();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(fact_router_tests, fixture)

CAF_TEST(a listener receives facts of its topics and no others) {
  committed submitted, parents;
  submitted.runs.resize(1);
  parents.parents.resize(1);
  const std::vector<std::pair<committed, std::uint32_t>> facts{
    {committed{}, 0},
    {submitted, topics::submissions},
    {parents, topics::parents},
    {moved_to(task_state::pending), topics::due},
    {moved_to(task_state::retrying), topics::retries},
    {moved_to(task_state::cancelled), topics::cancels},
    {moved_to(task_state::running), 0},
    {moved_to(task_state::succeeded), 0},
    {moved_to(task_state::failed), 0},
    {run_with(1, run_state::running), 0},
    {run_with(2, run_state::running), topics::done},
    {run_with(2, run_state::succeeded), topics::ended},
  };
  for (const auto wanted : {topics::submissions, topics::parents, topics::due,
                            topics::retries, topics::cancels, topics::done,
                            topics::ended, topics::done | topics::due}) {
    const auto log = listen_to(wanted);
    for (const auto& [fact, present] : facts) {
      const auto before = log->facts;
      route(fact);
      CAF_CHECK_EQUAL(log->facts - before, (present & wanted) != 0 ? 1 : 0);
    }
  }
}

CAF_TEST(a listener without a topic receives every commit) {
  const auto log = listen_to(topics::all);
  route(committed{});
  route(moved_to(task_state::running));
  CAF_CHECK_EQUAL(log->facts, 2);
}

CAF_TEST(every storage listener receives the state of the storage) {
  const auto one = listen_to(topics::retries);
  const auto other = listen_to(topics::all);
  route(storage_state{.writable = false});
  CAF_CHECK_EQUAL(one->storage, 1);
  CAF_CHECK_EQUAL(other->storage, 1);
  CAF_CHECK_EQUAL(one->facts + other->facts, 0);
}

CAF_TEST(the run watch hears of runs that have ended and of the storage) {
  const run_watch::expectation run{*watch, 7};
  auto ended = run_with(2, run_state::succeeded);
  ended.progress.front().key = 7;
  route(run_with(2, run_state::running));
  CAF_CHECK(!run.wait(milliseconds{0}));
  route(ended);
  CAF_CHECK(run.wait(milliseconds{0}) == run_state::succeeded);
  route(storage_state{.lost = true});
  CAF_CHECK(watch->storage().lost);
}

CAF_TEST(a feed is answered when there are events that it has not served) {
  const auto commit_of = [](event_seq first, std::int64_t count) {
    committed fact;
    fact.events.push_back({.seq = first, .run = 1, .count = count});
    return fact;
  };
  auto first = self->request(router, caf::infinite, feed_request{0});
  consume_messages();
  feed_reply answer;
  const auto take = [&](feed_reply& reply) { answer = std::move(reply); };
  const auto bad = [&](const caf::error& e) { CAF_FAIL(sys.render(e)); };
  // There may be events from before the router started.
  first.receive(take, bad);
  CAF_CHECK(!answer.caught_up);
  auto waiting = self->request(router, caf::infinite, feed_request{0});
  consume_messages();
  CAF_CHECK_EQUAL(std::int64_t{metrics->subscribers}, 1);
  route(commit_of(1, 3));
  waiting.receive(take, bad);
  CAF_CHECK_EQUAL(answer.newest, 3);
  CAF_CHECK(answer.caught_up);
  CAF_CHECK_EQUAL(answer.fact->events.size(), 1u);
  // While it is busy commits cost it nothing; only its lag is counted.
  route(commit_of(4, 1));
  route(commit_of(5, 1));
  CAF_CHECK_EQUAL(std::int64_t{metrics->subscriber_lag}, 5);
  auto lagging = self->request(router, caf::infinite, feed_request{3});
  consume_messages();
  lagging.receive(take, bad);
  CAF_CHECK_EQUAL(answer.newest, 5);
  CAF_CHECK(!answer.caught_up);
}

CAF_TEST_FIXTURE_SCOPE_END()
