#include <atomic>

#include <benchmark/benchmark.h>
#include <caf/all.hpp>

#include "actors/engine/parts.hpp"

// Facts per second through the router to so many listeners, each of which
// counts them.
namespace {

using namespace conductor;

constexpr std::int64_t facts_a_round = 1000;

struct config : caf::actor_system_config {
  config() {
    register_types(*this);
    set("scheduler.policy", caf::atom("sharing"));
  }
};

/// How often something happened; can be waited for.
class tally {
public:
  void add() {
    ++count_;
    count_.notify_all();
  }
  void wait_for(std::int64_t count) const {
    for (auto seen = count_.load(); seen < count; seen = count_.load())
      count_.wait(seen);
  }

private:
  std::atomic<std::int64_t> count_{0};
};

fact_listener::behavior_type count_facts(fact_listener::pointer,
                                         std::shared_ptr<tally> heard) {
  return {
    [=](const shared_fact&) { heard->add(); },
  };
}

/// The commit of a page of a fan-out.
committed typical_fact() {
  committed fact;
  fact.parents.resize(1);
  fact.progress.resize(1);
  fact.progress[0].id = "01M8417HQ90SEJZEYX00000001";
  fact.moves.resize(3);
  fact.events.resize(4);
  for (auto& e : fact.events)
    e.payload = R"({"attempt":1})";
  return fact;
}

void facts_through_router(benchmark::State& state) {
  config cfg;
  caf::actor_system sys{cfg};
  auto router = spawn_fact_router(sys, placement::shared);
  std::vector<std::shared_ptr<tally>> heard;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    heard.push_back(std::make_shared<tally>());
    caf::anon_send(router,
                   listen_request{sys.spawn(count_facts, heard.back())});
  }
  const auto fact = typical_fact();
  std::int64_t sent = 0;
  for (auto _ : state) {
    for (std::int64_t i = 0; i < facts_a_round; ++i)
      caf::anon_send(router, std::make_shared<const committed>(fact));
    sent += facts_a_round;
    for (const auto& one : heard)
      one->wait_for(sent);
  }
  state.SetItemsProcessed(sent);
  caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
}

} // namespace

BENCHMARK(facts_through_router)->Arg(1)->Arg(6)->Arg(20)->UseRealTime();
