#pragma once

#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// Fan-out: a parent's children, page by page.
namespace conductor::rules {

/// How many children come next, given at most `page` of them.
std::int64_t next_page(const parent_record& parent, std::int64_t page);

/// One page of a parent's children, as parts in this order: the start of the
/// run (first page), the children, the end of a parent without children.
/// The first page reports the start of the pass, the last one its end. An empty
/// fan-out is settled here: there is nothing to wait for.
change_set plan_page(const parent_record& parent, const task_spec& spec,
                     std::int64_t count);

/// Adds the children of small fan-outs to the submission that `plan` begins
/// with, so that they are created by the same commit: up to `page` in all.
void add_small_fanouts(change_set& plan, std::int64_t page);

/// The events at the end of an expansion: `how` of the parent, and the end of
/// the pass of the run.
std::vector<append_event> end_of_expansion(const parent_record& parent,
                                           event_kind how,
                                           std::int64_t created);

} // namespace conductor::rules
