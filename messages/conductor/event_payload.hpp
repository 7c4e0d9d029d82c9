#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/event.hpp>
#include <conductor/records.hpp>
#include <conductor/state.hpp>

/// What events say. Every payload is written and read here and nowhere else;
/// `docs/events.md` documents the members.
namespace conductor {

/// Why an attempt or a task failed, as `last_error` and `task.failed` hold it.
namespace error_type {
inline constexpr std::string_view children_failed = "children_failed";
inline constexpr std::string_view deadline = "deadline";
inline constexpr std::string_view lease_expired = "lease_expired";
inline constexpr std::string_view timeout = "timeout";
} // namespace error_type

/// Texts of `because` and `reason` members.
namespace reason {
inline constexpr std::string_view by_hand = "hand";
inline constexpr std::string_view deadline = "deadline";
inline constexpr std::string_view deadline_passed = "The deadline passed";
inline constexpr std::string_view fail_fast = "fail_fast";
inline constexpr std::string_view lease_expired = "lease_expired";
inline constexpr std::string_view max_retries = "max_retries";
inline constexpr std::string_view not_begun = "not_begun";
inline constexpr std::string_view non_retryable = "non_retryable";
inline constexpr std::string_view retry_budget = "retry_budget";
inline constexpr std::string_view stopped = "stopped";
inline constexpr std::string_view unmet = "unmet";
inline constexpr std::string_view children_failed
  = "One or more child tasks failed";
inline constexpr std::string_view tasks_failed = "One or more tasks failed";
} // namespace reason

// -- writing ------------------------------------------------------------------

event_entry run_created(const std::string& name, std::int64_t tasks);
event_entry run_started();
event_entry run_aggregated(run_state state, const run_record& counts);
event_entry run_cancelled(std::string_view by);
event_entry run_paused();
event_entry run_unpaused();
/// What `run update` changed; 0 and none = not changed.
event_entry run_updated(std::int32_t priority, timestamp deadline);
/// `dependents`: skipped tasks that wait again.
event_entry run_reopened(run_state from, std::int64_t leaves,
                         std::int64_t dependents = 0);

/// Of a top-level task; `children` is negative for a leaf.
event_entry task_created(const std::string& name, std::int64_t children);
event_entry child_created();
event_entry task_started(std::int32_t attempt);
/// `took`: how long the attempt ran, where its `task.started` does not show it.
event_entry task_succeeded(std::int32_t attempt,
                           std::optional<milliseconds> took = {});
/// `error` is a JSON object. With `retries` the store adds `retry_at`.
event_entry task_failed(std::int32_t attempt, std::string_view error,
                        bool retries, std::optional<milliseconds> took = {});
event_entry task_retried(std::int32_t retry_count);
event_entry task_retried_by_hand(std::int32_t retry_count);
event_entry task_retried_after_loss(std::int32_t retry_count,
                                    std::int32_t lost_count);
/// `max_retries` is left out where it decided nothing (negative).
event_entry task_retries_exhausted(std::int32_t retry_count,
                                   std::int32_t max_retries,
                                   std::string_view because);
event_entry task_cancelled(std::string_view reason);
/// CANCELLED because `task` settled as `state`.
event_entry task_skipped(std::string_view task, task_state state);
/// What `task update` changed.
event_entry task_updated(const std::optional<count_or_percent>& tolerate,
                         std::optional<std::int64_t> max_concurrency,
                         std::int32_t priority);
event_entry task_aggregated(task_state state, const parent_record& parent,
                            std::string_view reason);
event_entry task_stuck(std::int32_t attempt, milliseconds running);
/// `because` is empty unless the engine released the lease itself.
event_entry task_lease_expired(std::int32_t attempt, std::int32_t lost_count,
                               std::string_view because = {});
event_entry task_late_result(std::int32_t attempt, std::string_view reason);

event_entry fanout_started();
event_entry fanout_detected(std::int64_t children);
/// `how` is fanout_completed, fanout_skipped or fanout_finished.
event_entry fanout_ended(event_kind how, std::int64_t created);
event_entry aggregate_started();
event_entry aggregate_finished(std::int64_t parents, std::int64_t runs);
event_entry retry_started();
event_entry retry_finished(std::int64_t tasks);
/// `from` and `to` are names such as "HEALTHY".
event_entry health_changed(std::string_view from, std::string_view to,
                           const std::vector<std::string>& reasons);

/// The payload as it is stored: an entry of a commit at `at`, with the time
/// that it promises (`retry_at`) filled in.
std::string payload_text(const event_entry& entry, timestamp retry_at);

// -- reading ------------------------------------------------------------------

/// The members that programs look at, those of all kinds together; absent ones
/// are empty. nullopt if the text is not a JSON object.
struct event_details {
  std::string name;    ///< of the run or task that was created
  std::string because; ///< or `reason`
  std::string by;
  std::string state, from, to;
  std::string error;      ///< JSON text
  std::string error_type; ///< of `error`
  std::string error_message;
  std::optional<timestamp> retry_at;
  std::optional<std::int64_t> attempt, retry_count, lost_count, children;
  std::optional<std::int64_t> tasks, took_ms, running_ms, created;
  std::optional<std::int64_t> succeeded, failed, cancelled, total;

  friend bool operator==(const event_details&, const event_details&) = default;
};
std::optional<event_details> parse_event(std::string_view payload);

/// Members of an error text (`last_error`).
struct error_details {
  std::string type, message;
  std::int64_t attempt = 0;
};
/// nullopt if the text is not a JSON object.
std::optional<error_details> parse_error(std::string_view error);
/// The type alone; "" if there is none.
std::string type_of_error(std::string_view error);

} // namespace conductor
