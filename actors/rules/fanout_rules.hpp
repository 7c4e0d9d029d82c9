#pragma once

#include <string>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/records.hpp>

/// Fan-out: a parent's children, page by page.
namespace conductor::rules {

/// How many children come next, given at most `page` of them.
std::int64_t next_page(const fanout_record& parent, std::int64_t page);

/// One page of a parent's children. `items` are their JSON texts, empty where
/// items are derived; `offset` is where the source continues.
/// The first page starts the run and tells that the pass started, the last one
/// that it finished. An empty fan-out is settled here: there is nothing to
/// wait for.
change_set plan_page(const fanout_record& parent, const task_spec& spec,
                     std::int64_t count, std::vector<std::string> items,
                     std::int64_t offset, timestamp now);

/// `count` items of a list that is part of the definition, as JSON texts, after
/// the first `from`; nothing for every other kind of source.
std::vector<std::string> listed_items(const fanout_source& source,
                                      std::int64_t from, std::int64_t count);

/// Adds to a submission the children of its small fan-outs, so that they are
/// there with its commit: those that need no file, up to `page` children in
/// all.
void add_small_fanouts(change_set& plan, std::int64_t page);

/// Ends an expansion whose source is gone or has changed.
change_set plan_broken_source(const fanout_record& parent,
                              const std::string& message, timestamp now);

/// What goes with the last expansion of a parent, whoever ends it: `how` is an
/// event of the parent, and the run is told that the pass finished.
std::vector<note> end_of_expansion(const fanout_record& parent, event_kind how,
                                   std::int64_t created, timestamp now);

} // namespace conductor::rules
