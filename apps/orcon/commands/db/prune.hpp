#pragma once

#include <conductor/admin.hpp>

#include "apps/orcon/cli.hpp"

namespace orcon {

/// Deletes runs and prints how much went. Returns the exit code.
int prune_and_print(const settings& s, conductor::prune_request which);

} // namespace orcon
