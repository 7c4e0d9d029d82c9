#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <conductor/ids.hpp>
#include <conductor/inspect.hpp>
#include <conductor/time.hpp>

namespace conductor {

/// Every kind of event. Numbers are stored and names are public: neither ever
/// changes once released. `docs/events.md` has a row for each.
enum class event_kind : std::uint8_t {
  run_created = 1,
  run_started = 2,
  run_aggregated = 3,
  run_cancelled = 4,
  run_reopened = 5,
  run_paused = 7,
  run_unpaused = 8,
  run_updated = 9,
  task_created = 10,
  task_started = 11,
  task_succeeded = 12,
  task_failed = 13,
  task_retried = 14,
  task_retries_exhausted = 15,
  task_cancelled = 16,
  task_aggregated = 17,
  task_stuck = 18,
  task_lease_expired = 19,
  task_late_result = 20,
  task_updated = 21,
  fanout_started = 30,
  fanout_detected = 31,
  fanout_completed = 32,
  fanout_skipped = 33,
  fanout_finished = 34,
  aggregate_started = 35,
  aggregate_finished = 36,
  retry_started = 37,
  retry_finished = 38,
  health_changed = 50,
};

/// The public name, e.g. "task.succeeded"; "" for no kind of ours.
const char* to_string(event_kind kind);
std::optional<event_kind> parse_event_kind(std::string_view name);

/// An event still to be written: kind and payload (JSON text). Made by the
/// functions of `<conductor/event_payload.hpp>`.
struct event_entry {
  event_kind kind{};
  std::string payload;
  /// The store appends `retry_at`, which only the time of the commit decides.
  bool retries = false;

  CONDUCTOR_MESSAGE(event_entry, x.kind, x.payload, x.retries)
};

/// Events of consecutive tasks that have all but task and seq in common:
/// event number i (from 0) has seq `seq + i` and task `first + i`.
/// `first` is 0 and `count` 1 for an event of a run.
struct event_span {
  event_seq seq = 0;
  run_key run = 0;
  task_key first = 0;
  std::int64_t count = 1;
  event_kind kind{};
  timestamp at{};
  std::string payload; ///< JSON text

  CONDUCTOR_MESSAGE(event_span, x.seq, x.run, x.first, x.count, x.kind, x.at,
                    x.payload)
};

/// One event as people see it.
struct event_record {
  event_seq seq = 0;
  std::string id;
  std::string run_id;
  std::string task_id;   ///< empty for events of a run
  std::string task_name; ///< empty for events of a run
  std::string name;
  timestamp at{};
  std::string payload; ///< JSON text
  std::uint64_t hash = 0;

  CONDUCTOR_MESSAGE(event_record, x.seq, x.id, x.run_id, x.task_id, x.task_name,
                    x.name, x.at, x.payload, x.hash)
};

} // namespace conductor
