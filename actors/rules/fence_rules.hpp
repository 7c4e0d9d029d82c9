#pragma once

#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// The end of what is behind a fence: a cancel by hand, or a deadline.
namespace conductor::rules {

/// The move that ends leaves that have not settled. By hand all are CANCELLED.
/// At a deadline what is PENDING is CANCELLED, and what runs or waits for a
/// retry FAILS for good.
move_tasks plan_fenced(const task_group& leaves, fence by);

/// Ends a parent that is PENDING: an expansion that has begun ends with the
/// children that there are, one that has not is CANCELLED without any. Nothing
/// if its children are all there: aggregation ends it.
change_set plan_fenced(const parent_record& parent, fence by);

} // namespace conductor::rules
