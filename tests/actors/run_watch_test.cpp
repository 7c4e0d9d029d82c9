#define CAF_SUITE actors.run_watch

#include <stdexcept>

#include "actors/engine/run_watch.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

committed ended(run_key run, run_state state) {
  committed fact;
  fact.progress.push_back({.key = run, .state = state});
  return fact;
}

} // namespace

CAF_TEST(a waiter gets the state in which its run ended) {
  run_watch watch;
  const auto one = watch.expect(1);
  watch.hear(ended(2, run_state::failed));
  CAF_CHECK(!one.wait(milliseconds{0}));
  watch.hear(ended(1, run_state::running));
  CAF_CHECK(!one.wait(milliseconds{0}));
  watch.hear(ended(1, run_state::succeeded));
  CAF_CHECK(one.wait(milliseconds{0}) == run_state::succeeded);
}

CAF_TEST(a waiter that leaves by an exception leaves nothing behind) {
  run_watch watch;
  try {
    const auto expected = watch.expect(7);
    CAF_CHECK_EQUAL(watch.expected_runs(), 1u);
    throw std::runtime_error{"the database cannot be read"};
  } catch (const std::runtime_error&) {
  }
  CAF_CHECK_EQUAL(watch.expected_runs(), 0u);
}

CAF_TEST(two waiters for one run are counted) {
  run_watch watch;
  {
    const auto one = watch.expect(7);
    { const auto other = watch.expect(7); }
    watch.hear(ended(7, run_state::cancelled));
    CAF_CHECK(one.wait(milliseconds{0}) == run_state::cancelled);
  }
  CAF_CHECK_EQUAL(watch.expected_runs(), 0u);
}

CAF_TEST(nobody waits once the storage is lost) {
  run_watch watch;
  const auto one = watch.expect(1);
  watch.hear(storage_state{false, true, {errc::io, "gone"}});
  CAF_CHECK(!one.wait(milliseconds::max()));
  CAF_CHECK_EQUAL(watch.storage().reason.message, "gone");
}
