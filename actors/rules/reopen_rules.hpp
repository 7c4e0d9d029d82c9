#pragma once

#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// Retry by hand: what did not succeed gets one more try.
namespace conductor::rules {

/// A settled task that is to be tried again.
struct unsuccessful {
  task_brief task;
  task_state state = task_state::failed; ///< FAILED or CANCELLED
};

/// Takes a settled run up again: the leaves are PENDING and due, so are the
/// parents above them, and the run is RUNNING. Attempts go on counting, so that
/// late results of before stay refused; a leaf without retries left has this
/// one try.
change_set plan_reopening(const run_record& run,
                          const std::vector<unsuccessful>& leaves,
                          const std::vector<fanout_record>& parents,
                          timestamp now);

} // namespace conductor::rules
