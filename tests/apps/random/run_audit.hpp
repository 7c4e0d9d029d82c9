#pragma once

#include <string>
#include <vector>

#include <conductor/store.hpp>

#include "tests/apps/random/prediction.hpp"

namespace orcon::test {

/// Compares what is in the store of a run that has ended with what was
/// predicted; one line for each difference.
std::vector<std::string> audit_run(conductor::store_reader& reader,
                                   conductor::run_key run,
                                   const prediction& wanted);

} // namespace orcon::test
