#define CAF_SUITE actors.engine_clock

#include "actors/engine/engine_clock.hpp"

#include <caf/test/unit_test.hpp>

using conductor::engine_clock;
using conductor::from_ms;
using conductor::to_ms;
using namespace std::chrono_literals;

namespace {

constexpr auto begin = engine_clock::steady::time_point{100s};

} // namespace

CAF_TEST(it shows what the wall shows) {
  engine_clock clock{conductor::no_time, from_ms(5'000), begin};
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(5'000), begin)), 5'000);
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(7'000), begin + 2s)), 7'000);
}

CAF_TEST(it follows a wall that was set forward) {
  engine_clock clock{conductor::no_time, from_ms(5'000), begin};
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(90'000'000), begin + 1s)), 90'000'000);
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(90'000'500), begin + 1500ms)),
                  90'000'500);
}

CAF_TEST(it goes on where the wall was set back until that caught up) {
  engine_clock clock{conductor::no_time, from_ms(90'000), begin};
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(90'000), begin)), 90'000);
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(81'000), begin + 1s)), 91'000);
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(82'000), begin + 2s)), 92'000);
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(95'000), begin + 3s)), 95'000);
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(96'000), begin + 4s)), 96'000);
}

CAF_TEST(it begins where it is told to) {
  engine_clock clock{from_ms(8'000), from_ms(5'000), begin};
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(5'000), begin)), 8'000);
  CAF_CHECK_EQUAL(to_ms(clock.at(from_ms(5'400), begin + 400ms)), 8'400);
}
