#pragma once

#include <string>

#include <conductor/change_set.hpp>
#include <conductor/store.hpp>

namespace conductor {

/// What of a run is to be tried again, and how many leaves it is.
struct reopening {
  change_set changes;
  std::int64_t leaves = 0;
};

/// Looks up what did not succeed and plans another try. Errors: conflict (the
/// run has not ended, or SUCCEEDED), not_found (nothing matches).
result<reopening> plan_retry_by_hand(store_reader& reader, run_key run,
                                     const task_filter& which,
                                     const std::string& error_type,
                                     timestamp now);

} // namespace conductor
