#define CAF_SUITE actors.monitor

#include <conductor/actors.hpp>
#include <conductor/monitor.hpp>

// CAF's test macros need this name.
#define FAIL CAF_FAIL
#include <caf/test/dsl.hpp>

using namespace conductor;

namespace {

struct config : caf::actor_system_config {
  config() { register_types(*this); }
};

/// A monitor whose database cannot be opened `failures` times.
struct fixture : test_coordinator_fixture<config> {
  std::shared_ptr<store> db = make_memory_store();
  int failures = 1;
  int openings = 0;
  monitor_actor monitor = spawn_monitor(
    sys, placement::shared,
    {.open_reader = [this]() -> std::unique_ptr<store_reader> {
       ++openings;
       if (failures > 0 && failures-- > 0)
         throw store_error{{errc::io, "too many open files"}, false};
       return db->open_reader();
     },
     .clock = [] { return from_ms(1000); },
     .database = "memory"});

  ~fixture() {
    caf::anon_send_exit(monitor, caf::exit_reason::kill);
    consume_messages();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(monitor_tests, fixture)

CAF_TEST(a monitor that cannot open the database tries again) {
  consume_messages();
  const auto ask = [&] {
    auto request = self->request(monitor, caf::infinite, health_request{});
    consume_messages();
    bool answered = false;
    request.receive([&](const health_report&) { answered = true; },
                    [](const caf::error&) {});
    return answered;
  };
  failures = 1;
  CAF_CHECK(!ask());
  CAF_CHECK(ask());
  CAF_CHECK(ask());
  CAF_CHECK_EQUAL(openings, 2);
}

CAF_TEST_FIXTURE_SCOPE_END()
