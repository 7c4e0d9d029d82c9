#pragma once

#include <cstdint>

#include <conductor/store.hpp>

namespace conductor::test {

/// Commits `steps` random batches and audits the store now and then: plausible
/// plans and hostile ones, such as stale guards, ranges of which only a part
/// may move, submissions twice, expansions out of order. Over a `pair_store`
/// this is the test that both halves agree. Throws `std::logic_error` that
/// names seed and step.
void random_history(store& s, std::uint64_t seed, int steps);

} // namespace conductor::test
