#define CAF_SUITE store.memory_store

#include "tests/store/conformance.hpp"
#include "tests/store/pair_store.hpp"
#include "tests/store/random_history.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

using texts = std::vector<std::string>;

std::unique_ptr<store> make() {
  return make_memory_store(1);
}

std::string history(store& s, std::uint64_t seed, int steps) {
  try {
    test::random_history(s, seed, steps);
    return "";
  } catch (const std::exception& trouble) {
    return trouble.what();
  }
}

/// What a pair says of two stores that differ in one run.
std::string first_difference() {
  auto left = make(), right = make();
  change_set changes;
  changes.submissions.push_back({.name = "x", .at = from_ms(1)});
  std::vector<change_set> batch{changes};
  right->commit(batch);
  test::pair_store pair{std::move(left), std::move(right)};
  try {
    pair.open_reader()->load_run(1);
    return "";
  } catch (const std::logic_error& trouble) {
    return trouble.what();
  }
}

} // namespace

CAF_TEST(conformance) {
  CAF_CHECK_EQUAL(test::run_conformance(make), texts{});
}

CAF_TEST(random histories) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    CAF_CHECK_EQUAL(history(*make(), seed, 60), "");
}

CAF_TEST(a pair agrees with itself) {
  test::pair_store pair{make(), make()};
  CAF_CHECK_EQUAL(history(pair, 1, 60), "");
  CAF_CHECK_EQUAL(test::run_conformance([] {
                    return std::make_unique<test::pair_store>(make(), make());
                  }),
                  texts{});
}

CAF_TEST(a pair names what differs) {
  CAF_CHECK_EQUAL(first_difference().substr(0, 17), "load_run differs:");
}
