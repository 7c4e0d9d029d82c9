#define CAF_SUITE store.memory_store

#include "store/memory/model.hpp"
#include "tests/store/conformance/conformance.hpp"
#include "tests/store/history/pair_store.hpp"
#include "tests/store/history/random_history.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

using texts = std::vector<std::string>;

std::unique_ptr<store> make() {
  return make_memory_store(1);
}

std::unique_ptr<store> make_pair() {
  return std::make_unique<test::pair_store>(make(), make());
}

std::unique_ptr<store> reopen_pair(std::unique_ptr<store> s) {
  auto [left, right] = dynamic_cast<test::pair_store&>(*s).take();
  return std::make_unique<test::pair_store>(memory::reopen(std::move(left)),
                                            memory::reopen(std::move(right)));
}

std::string history(std::unique_ptr<store> s,
                    const test::store_reopener& reopen, std::uint64_t seed) {
  try {
    test::random_history(std::move(s), reopen, seed, 60);
    return "";
  } catch (const std::exception& failure) {
    return failure.what();
  }
}

/// What a pair says of two stores that differ in one run.
std::string first_difference() {
  auto left = make(), right = make();
  change_set changes;
  changes.add(submission{.name = "x"});
  right->commit({&changes, 1}, from_ms(1));
  test::pair_store pair{std::move(left), std::move(right)};
  try {
    pair.open_reader()->load_run(1);
    return "";
  } catch (const std::logic_error& failure) {
    return failure.what();
  }
}

} // namespace

CAF_TEST(conformance) {
  CAF_CHECK_EQUAL(test::run_conformance(make), texts{});
}

CAF_TEST(reopening) {
  CAF_CHECK_EQUAL(test::run_reopening(make, memory::reopen), texts{});
}

CAF_TEST(random histories) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    CAF_CHECK_EQUAL(history(make(), memory::reopen, seed), "");
}

CAF_TEST(a pair agrees with itself) {
  CAF_CHECK_EQUAL(history(make_pair(), reopen_pair, 1), "");
  CAF_CHECK_EQUAL(test::run_conformance(make_pair), texts{});
  CAF_CHECK_EQUAL(test::run_reopening(make_pair, reopen_pair), texts{});
}

CAF_TEST(a pair names what differs) {
  CAF_CHECK_EQUAL(first_difference().substr(0, 5), "runs:");
}
