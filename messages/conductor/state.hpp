#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace conductor {

/// States of a task. `retrying` is FAILED but not settled: the retry is
/// scheduled. Values are stored; all are ≥ 2 so that each takes one byte in a
/// row and a change of state never makes the row longer.
enum class task_state : std::uint8_t {
  pending = 2,
  running = 3,
  succeeded = 4,
  retrying = 5,
  failed = 6,
  cancelled = 7,
};

/// States of a run, with the values of the task states of the same name.
enum class run_state : std::uint8_t {
  pending = 2,
  running = 3,
  succeeded = 4,
  failed = 6,
  cancelled = 7,
};

inline constexpr bool settled(task_state s) {
  return s == task_state::succeeded || s == task_state::failed
         || s == task_state::cancelled;
}

inline constexpr bool settled(run_state s) {
  return s != run_state::pending && s != run_state::running;
}

/// Whether a leaf, a parent or a run may move so (SEMANTICS: states and legal
/// moves). Moves out of a settled state are legal for a manual retry only.
bool legal_leaf_move(task_state from, task_state to);
bool legal_parent_move(task_state from, task_state to);
bool legal_run_move(run_state from, run_state to);

/// The public name: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED.
const char* to_string(task_state s);
const char* to_string(run_state s);

/// Reads a public name in any case; nullopt otherwise.
std::optional<run_state> parse_run_state(std::string_view text);

} // namespace conductor
