#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <conductor/change_set.hpp>
#include <conductor/run_spec.hpp>

/// Texts that every store derives in the same way.
namespace conductor {

/// Payload of `run.created`: {"name":…,"tasks":n}.
std::string run_created_payload(const submission& run);

/// Payload of `task.created` of a top-level task: {"name":…}, and
/// "children":n for a parent.
std::string task_created_payload(const task_submission& task);

/// "parent#index".
std::string child_name(const std::string& parent, std::int64_t index);

/// The item of a child as a JSON text: `stored`, or what the index makes of a
/// range, or the index.
std::string child_item(const fanout_source& source, std::int64_t index,
                       const std::string& stored);

/// The parent's input without "fanout", with "index" and "item".
std::string child_input(const std::string& parent_input, std::int64_t index,
                        const std::string& item);

/// Whether `text` matches a pattern of `*`, `?`, `[abc]`, `[a-z]` and `[^abc]`,
/// the whole of it, by characters of UTF-8, minding case: what GLOB of SQL
/// does.
bool glob_match(std::string_view pattern, std::string_view text);

/// Whether events of a kind are asked for: by a pattern, or by what their name
/// begins with.
bool is_named(event_kind kind, std::string_view wanted);

} // namespace conductor
