#define CAF_SUITE actors.event_hub

#include <conductor/engine.hpp>
#include <conductor/roles.hpp>

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

fact_listener::behavior_type count(fact_listener::pointer,
                                   std::shared_ptr<heard> log) {
  return {
    [=](const committed&) { ++log->facts; },
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
  event_hub_actor hub
    = spawn_event_hub(sys, [] { return std::unique_ptr<store_reader>{}; });
  std::vector<fact_listener> listeners;

  ~fixture() {
    for (const auto& listener : listeners)
      caf::anon_send_exit(listener, caf::exit_reason::kill);
    caf::anon_send_exit(hub, caf::exit_reason::kill);
    consume_messages();
  }

  std::shared_ptr<heard> listen_to(std::uint32_t wanted) {
    auto log = std::make_shared<heard>();
    listeners.push_back(sys.spawn(count, log));
    caf::anon_send(hub, listen{listeners.back(), wanted});
    return log;
  }

  template <class News>
  void tell(News news) {
    caf::anon_send(hub, std::move(news));
    consume_messages();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(event_hub_tests, fixture)

CAF_TEST(a listener hears of its topics and of no other) {
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
    for (const auto& [fact, told] : facts) {
      const auto before = log->facts;
      tell(fact);
      CAF_CHECK_EQUAL(log->facts - before, (told & wanted) != 0 ? 1 : 0);
    }
  }
}

CAF_TEST(who names no topic hears of every commit) {
  const auto log = listen_to(topics::all);
  tell(committed{});
  tell(moved_to(task_state::running));
  CAF_CHECK_EQUAL(log->facts, 2);
}

CAF_TEST(all hear of the storage) {
  const auto one = listen_to(topics::retries);
  const auto other = listen_to(topics::all);
  tell(storage_state{.writable = false});
  CAF_CHECK_EQUAL(one->storage, 1);
  CAF_CHECK_EQUAL(other->storage, 1);
  CAF_CHECK_EQUAL(one->facts + other->facts, 0);
}

CAF_TEST_FIXTURE_SCOPE_END()
