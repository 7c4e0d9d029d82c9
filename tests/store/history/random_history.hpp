#pragma once

#include <cstdint>
#include <memory>

#include <conductor/store.hpp>

#include "tests/store/conformance/conformance.hpp"

namespace conductor::test {

/// Commits `steps` random batches and audits the store now and then: plausible
/// plans and hostile ones, such as stale guards, ranges of which only a part
/// may move, submissions twice, expansions out of order. With a reopener the
/// store is closed and opened now and then. Over a `pair_store` this is the
/// test that both halves agree. Throws `std::logic_error` that names seed and
/// step.
void random_history(std::unique_ptr<store> s, const store_reopener& reopen,
                    std::uint64_t seed, int steps);
void random_history(store& s, std::uint64_t seed, int steps);

} // namespace conductor::test
