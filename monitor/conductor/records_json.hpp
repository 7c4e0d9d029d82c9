#pragma once

#include <optional>

#include <conductor/event.hpp>
#include <conductor/json_text.hpp>
#include <conductor/records.hpp>
#include <conductor/report.hpp>

/// Records and reports as JSON objects: the ones that the program prints and
/// docs/commands.md describes. Times are ISO 8601 in UTC, durations are in
/// milliseconds, and what is not set is null. Thread-safe.
namespace conductor {

/// The state in words for people: "RUNNING (paused)", "RUNNING (cancelling)".
std::string state_text(const run_record& run);
ordered_json to_json(const run_record& run);
ordered_json to_json(const task_record& task);
ordered_json to_json(const event_record& event);
ordered_json to_json(const state_counts& counts);
ordered_json to_json(const handler_count& count);
ordered_json to_json(const failure_group& group);
ordered_json to_json(const retry_metrics& metrics);
ordered_json to_json(const run_summary& summary);
ordered_json to_json(const health_report& report);

/// How long the last attempt of a task took, or has taken by `now`; none if it
/// has none.
std::optional<milliseconds> duration_of(const task_record& task, timestamp now);
/// The same in milliseconds, or null.
ordered_json duration_or_null(const task_record& task, timestamp now);

} // namespace conductor
