#pragma once

#include <conductor/change_set.hpp>
#include <conductor/control.hpp>
#include <conductor/store.hpp>

namespace conductor {

/// A change that was asked for, and what it is to be answered with. Nothing
/// needs to be committed if there are no parts.
struct planned_change {
  change_set changes;
  change_reply reply;
};

/// Errors: not_found (no such run or task), conflict (it has settled).
result<planned_change> plan_change(store_reader& reader,
                                   const run_change& asked, timestamp now);
result<planned_change> plan_change(store_reader& reader,
                                   const task_change& asked);

} // namespace conductor
