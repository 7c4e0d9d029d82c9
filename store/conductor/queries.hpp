#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/event.hpp>
#include <conductor/records.hpp>
#include <conductor/state.hpp>
#include <conductor/time.hpp>

/// What a store can be asked. Every query is a small struct whose default
/// members ask for everything; results are paged by key.
namespace conductor {

inline constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

/// Which runs. Ascending by key, those with key > `after`; or newest first,
/// those with key < `before` (0 = from the newest).
struct run_query {
  run_key key = 0;               ///< only this one; 0 = any
  std::string idempotency_key;   ///< only the one with this key; empty = any
  bool open = false;             ///< only those that have not settled
  std::vector<run_state> states; ///< empty = any
  std::string name;              ///< glob pattern; empty = any
  timestamp since{};             ///< created at or after; none = any
  timestamp deadline_by{}; ///< deadline due by then, not fenced; none = any
  /// A member of `meta` and its value as text; an empty name = any.
  std::string label, label_value;
  bool newest_first = false;
  run_key after = 0, before = 0;
  std::size_t limit = no_limit;
};

/// Which tasks, the same meaning in every command that filters.
struct task_filter {
  run_key run = 0;                ///< 0 = any
  task_key parent = 0;            ///< 0 = any
  bool top_level = false;         ///< only tasks without a parent
  std::vector<task_state> states; ///< empty = any
  std::string name;               ///< glob pattern (`*`, `?`); empty = any
  std::string error;              ///< type of the last error; empty = any
  bool texts = true; ///< whether input and output are wanted; they may be large
};

enum class task_order : std::uint8_t {
  by_key,
  oldest_first, ///< RUNNING leaves by the start of their attempt
  slowest_first ///< settled leaves by the duration of their last attempt
};

struct task_query {
  task_filter filter;
  task_range keys;            ///< only these; a count of 0 = any
  timestamp started_before{}; ///< only attempts begun before; none = any
  bool with_error = false;    ///< only those that have a last error
  task_order order = task_order::by_key;
  task_key after = 0; ///< by key: those with key > after
  std::size_t limit = no_limit;
};

/// Which parents, by key, those with key > after.
struct parent_query {
  task_key task = 0; ///< only this one; 0 = any
  run_key run = 0;   ///< 0 = any
  bool open = false; ///< only PENDING ones
  task_key after = 0;
  std::size_t limit = no_limit;
};

/// Groups of leaves with equal state and counters.
struct group_query {
  enum class kind : std::uint8_t {
    of_range,    ///< all tasks of `keys`, by key
    unsettled,   ///< leaves of `run`, or children of `parent`, that have not
                 ///< settled, by key
    retries_due, ///< FAILED unsettled ones due by `now` in runs that work,
                 ///< soonest first
    abandoned,   ///< RUNNING ones whose engine is gone, by key
    waiting      ///< PENDING ones due by `now` in runs that work, longest
                 ///< waiting first
  };
  kind of = kind::of_range;
  run_key run = 0;
  task_range keys;
  task_key parent = 0;
  timestamp now{};
  task_key after = 0;           ///< by key: groups with tasks > after
  std::size_t limit = no_limit; ///< of groups
};

/// Which events, by seq, those with seq > after.
struct event_filter {
  run_key run = 0;   ///< 0 = any
  task_key task = 0; ///< 0 = any
  std::string name;  ///< glob pattern, or what names begin with; empty = any
};

/// Which texts of a range of tasks.
enum class text_kind : std::uint8_t { item, output, error };

/// Equal last errors of tasks that FAILED or wait for a retry.
struct error_count {
  std::string error; ///< JSON text
  std::int64_t failed = 0, retrying = 0;
  timestamp first{}, last{}; ///< when the first and the last task failed
  task_key task = 0;         ///< one of them

  CONDUCTOR_MESSAGE(error_count, x.error, x.failed, x.retrying, x.first, x.last,
                    x.task)
};

} // namespace conductor
