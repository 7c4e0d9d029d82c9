#pragma once

#include <conductor/change_set.hpp>
#include <conductor/store.hpp>

namespace conductor {

/// What of a run is to be tried again, and how many leaves it is.
struct manual_retry {
  change_set changes;
  std::int64_t leaves = 0;
  /// Tasks that had been skipped and wait again, since what they wait for does.
  std::int64_t dependents = 0;
  std::size_t leaf_parts = 0; ///< the parts that move leaves come first

  /// How many leaves were reopened.
  std::int64_t reopened(const commit_reply& reply) const;
};

/// Looks up what did not succeed and plans another try. Errors: conflict (the
/// run has not ended, or SUCCEEDED, or no leaf's parent can continue),
/// not_found (nothing matches).
result<manual_retry> plan_manual_retry(store_reader& reader, run_key run,
                                       const task_filter& which);

} // namespace conductor
