#define CAF_SUITE actors.handler_slots

#include "actors/executor/handler_slots.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

using std::chrono::microseconds;

struct idle_handler : handler {
  explicit idle_handler(handler_traits t) : own(t) {}
  handler_traits traits() const override { return own; }
  void start(attempt, outcome_sink&) override {}

  handler_traits own;
};

constexpr handler_traits queueing{.queues = true};

struct bench {
  attempt_metrics figures;
  handler_slots slots;

  explicit bench(handler_traits traits = queueing, unsigned n = 2,
                 std::int64_t ahead = 4000)
    : slots(std::make_shared<idle_handler>(traits), n, ahead, figures) {}

  /// A claim that was granted `got`.
  void claim(const std::map<task_key, std::int64_t>& got) {
    const auto asked = slots.ask(1000);
    slots.answer(asked, got);
    for (const auto& [parent, tasks] : got)
      slots.begin(parent, tasks);
  }
  /// Attempts that end after so long.
  void end(task_key parent, int attempts, microseconds busy) {
    for (int i = 0; i < attempts; ++i)
      slots.end(parent, busy);
  }
  /// The next claim, without effect.
  handler_slots::request next() {
    auto copy = slots;
    return copy.ask(1000);
  }
};

constexpr task_key quick = 7, slow = 9;

} // namespace

CAF_TEST(what is not known to be quick gets the free slots) {
  bench b;
  CAF_CHECK_EQUAL(b.next().total(), 2);
  b.claim({{slow, 2}});
  CAF_CHECK_EQUAL(b.next().total(), 0);
  b.end(slow, 1, std::chrono::seconds(2));
  CAF_CHECK_EQUAL(b.next().any, 1);
  CAF_CHECK(b.next().ahead.empty());
}

CAF_TEST(two claims under way do not share a slot) {
  bench b;
  const auto first = b.slots.ask(1000);
  CAF_CHECK_EQUAL(first.any, 2);
  CAF_CHECK_EQUAL(b.slots.ask(1000).total(), 0);
  b.slots.answer(first, {{slow, 1}});
  b.slots.begin(slow, 1);
  b.slots.hear_news();
  CAF_CHECK_EQUAL(b.next().any, 1);
}

CAF_TEST(only siblings of quick attempts are leased ahead) {
  bench b;
  b.claim({{quick, 1}, {slow, 1}});
  b.end(quick, 1, microseconds(1000));
  const auto one_slot = b.next();
  CAF_CHECK_EQUAL(one_slot.any, 1);
  CAF_REQUIRE_EQUAL(one_slot.ahead.size(), 1u);
  CAF_CHECK(one_slot.ahead[0] == handler_slots::ahead_room(quick, 40));
  b.end(slow, 1, std::chrono::seconds(1));
  CAF_CHECK(b.next().ahead[0] == handler_slots::ahead_room(quick, 80));
  // Both slots taken by what is slow: nothing would begin soon.
  b.claim({{slow, 2}});
  CAF_CHECK_EQUAL(b.next().total(), 0);
}

CAF_TEST(what is leased ahead fills the time ahead and no more) {
  bench b;
  b.claim({{quick, 2}});
  b.end(quick, 2, microseconds(1000));
  b.claim({{quick, 82}});
  CAF_CHECK_EQUAL(b.next().total(), 0);
  b.end(quick, 12, microseconds(1000));
  const auto refill = b.next();
  CAF_REQUIRE_EQUAL(refill.ahead.size(), 1u);
  CAF_CHECK_EQUAL(refill.ahead[0].second, 10);
}

CAF_TEST(top level tasks are never leased ahead) {
  bench b;
  b.claim({{0, 2}});
  b.end(0, 2, microseconds(1));
  CAF_CHECK(b.next().ahead.empty());
  CAF_CHECK_EQUAL(b.next().any, 2);
}

CAF_TEST(a room that was not filled is not asked for before there are news) {
  bench b;
  b.claim({{quick, 2}});
  b.end(quick, 2, microseconds(1000));
  b.claim({{quick, 5}}); // fewer than asked for: nothing is left of any parent
  CAF_CHECK_EQUAL(b.next().total(), 0);
  b.end(quick, 5, microseconds(1000));
  CAF_CHECK_EQUAL(b.next().total(), 0);
  b.slots.hear_news();
  CAF_CHECK_EQUAL(b.next().any, 2);
}

CAF_TEST(a parent that has no more leaves the turns to others) {
  bench b;
  b.claim({{quick, 2}});
  b.end(quick, 2, microseconds(1000));
  // All of `quick`, and both of the tasks of any parent.
  b.claim({{quick, 5}, {slow, 2}});
  b.end(slow, 2, std::chrono::seconds(2));
  b.end(quick, 5, microseconds(1000));
  CAF_CHECK_EQUAL(b.next().any, 2);
  CAF_CHECK(b.next().ahead.empty());
}

CAF_TEST(news that come while a claim is under way are not lost) {
  bench b;
  const auto asked = b.slots.ask(1000);
  b.slots.hear_news();
  b.slots.answer(asked, {});
  CAF_CHECK_EQUAL(b.next().any, 2);
}

CAF_TEST(attempts that hold others up are not quick any more) {
  bench b;
  b.claim({{quick, 2}});
  b.end(quick, 2, microseconds(1000));
  b.claim({{quick, 82}});
  b.slots.hold_up(quick);
  b.slots.release(quick, 80);
  CAF_CHECK_EQUAL(b.next().total(), 0);
  b.end(quick, 2, microseconds(1000));
  CAF_CHECK(b.next().ahead.empty());
  CAF_CHECK_EQUAL(b.next().any, 2);
}

CAF_TEST(handlers without a queue or without waiting) {
  bench plain{handler_traits{}};
  plain.claim({{quick, 2}});
  plain.end(quick, 1, microseconds(1));
  CAF_CHECK_EQUAL(plain.next().total(), 1);
  bench immediate{
    {.queues = true, .own_timeout = true, .immediate = true}, 2, 500};
  CAF_CHECK_EQUAL(immediate.next().any, 502);
  CAF_CHECK_EQUAL(immediate.slots.ask(100).any, 100);
}

CAF_TEST(rooms of single parents come first) {
  std::vector<handler_room> rooms;
  handler_slots::add_rooms({.any = 2, .ahead = {{quick, 40}}}, "exec", rooms);
  CAF_REQUIRE_EQUAL(rooms.size(), 2u);
  CAF_CHECK(rooms[0] == (handler_room{"exec", 40, quick}));
  CAF_CHECK(rooms[1] == (handler_room{"exec", 2, 0}));
}
