#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include <caf/test/unit_test.hpp>

namespace orcon::test {

/// The seed of this run of the tests: TORTURE_SEED, or 1.
inline std::uint64_t torture_seed() {
  const auto* wanted = std::getenv("TORTURE_SEED");
  return wanted ? std::strtoull(wanted, nullptr, 10) : 1;
}

/// How long a test repeats itself: `small` rounds, or TORTURE_SECONDS seconds
/// where `./dev torture` sets it. TORTURE_ROUNDS bounds the rounds there.
class budget {
public:
  explicit budget(std::string what, std::int64_t small)
    : what_(std::move(what)), rounds_(small) {
    if (const auto* seconds = std::getenv("TORTURE_SECONDS")) {
      end_ = clock::now() + std::chrono::seconds{std::atoi(seconds)};
      const auto* most = std::getenv("TORTURE_ROUNDS");
      rounds_ = most ? std::max(1L, std::atol(most)) : INT64_MAX;
    }
  }
  ~budget() {
    CAF_MESSAGE(what_ << ": " << done_
                      << " rounds, TORTURE_SEED=" << torture_seed());
  }
  budget(const budget&) = delete;
  budget& operator=(const budget&) = delete;

  /// Whether there is to be another round. A test that failed ends.
  bool more() {
    if (done_ >= rounds_ || clock::now() >= end_)
      return false;
    ++done_;
    return true;
  }
  std::int64_t done() const { return done_; }

private:
  using clock = std::chrono::steady_clock;
  std::string what_;
  std::int64_t rounds_, done_ = 0;
  clock::time_point end_ = clock::time_point::max();
};

/// Random choices that a seed repeats.
class choices {
public:
  explicit choices(std::uint64_t seed) : engine_(seed) {}
  /// From 0 to bound - 1.
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(engine_);
  }
  bool coin() { return below(2) == 0; }

private:
  std::mt19937_64 engine_;
};

} // namespace orcon::test
