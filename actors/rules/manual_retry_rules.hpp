#pragma once

#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// Manual retry: what did not succeed gets one more try.
namespace conductor::rules {

/// Reopens a settled run: the leaves are PENDING and due, the parents above
/// them are PENDING, and the run is RUNNING. Attempts keep counting, so that
/// late results of earlier attempts are still refused; a leaf without retries
/// left has this one try. The leaves are the first parts, in order.
/// `dependents` had been skipped and wait again.
change_set plan_manual_retry(const run_record& run,
                             const std::vector<task_group>& leaves,
                             const std::vector<parent_record>& parents,
                             const std::vector<task_key>& dependents = {});

} // namespace conductor::rules
