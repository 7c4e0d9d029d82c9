#define CAF_SUITE store.restart

#include "store/memory/model.hpp"
#include "tests/store/conformance/conformance.hpp"
#include "tests/store/history/pair_store.hpp"
#include "tests/store/history/random_history.hpp"
#include "tests/store/sqlite/sqlite_file.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

/// SQLite stores of one folder, alone or as pairs with a memory store. The file
/// that was made last is the one that is opened again.
struct files {
  test::folder dir;
  std::string path;

  std::unique_ptr<store> make() { return test::open(path = dir.next()); }
  std::unique_ptr<store> reopen(std::unique_ptr<store> s) {
    s.reset();
    return test::open(path);
  }
  std::unique_ptr<store> make_pair() {
    return std::make_unique<test::pair_store>(make_memory_store(test::salt),
                                              make());
  }
  std::unique_ptr<store> reopen_pair(std::unique_ptr<store> s) {
    auto [left, right] = dynamic_cast<test::pair_store&>(*s).take();
    return std::make_unique<test::pair_store>(memory::reopen(std::move(left)),
                                              reopen(std::move(right)));
  }
};

using texts = std::vector<std::string>;

std::string history(files& f, std::uint64_t seed) {
  try {
    test::random_history(
      f.make_pair(), [&](auto s) { return f.reopen_pair(std::move(s)); }, seed,
      80);
  } catch (const std::exception& failure) {
    return failure.what();
  }
  return {}; // events are random too, so the verifier has nothing to say
}

} // namespace

CAF_TEST(SQLite across restarts) {
  files f;
  CAF_CHECK_EQUAL(
    test::run_reopening([&] { return f.make(); },
                        [&](auto s) { return f.reopen(std::move(s)); }),
    texts{});
}

CAF_TEST(memory and SQLite agree in every case) {
  files f;
  CAF_CHECK_EQUAL(test::run_conformance([&] { return f.make_pair(); }),
                  texts{});
  CAF_CHECK_EQUAL(
    test::run_reopening([&] { return f.make_pair(); },
                        [&](auto s) { return f.reopen_pair(std::move(s)); }),
    texts{});
}

CAF_TEST(memory and SQLite agree on histories with restarts) {
  files f;
  for (std::uint64_t seed = 101; seed <= 110; ++seed)
    CAF_CHECK_EQUAL(history(f, seed), "");
}
