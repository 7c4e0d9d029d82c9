#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include <conductor/change_set.hpp>

namespace conductor::test {

/// Random choices that a seed repeats.
class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}

  std::int64_t pick(std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution{from, to}(engine_);
  }
  bool chance(int percent) { return pick(1, 100) <= percent; }
  template <class T>
  T one_of(const std::vector<T>& xs) {
    return xs[static_cast<std::size_t>(pick(0, std::ssize(xs) - 1))];
  }

private:
  std::mt19937_64 engine_;
};

/// A run of one to four tasks, leaves and parents of every kind; about half of
/// all runs share four idempotency keys. Items come from one of the lists.
submission random_submission(dice& d, int number,
                             const std::vector<list_key>& lists);

} // namespace conductor::test
