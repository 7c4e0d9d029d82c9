#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/event.hpp>
#include <conductor/records.hpp>
#include <conductor/state.hpp>

/// The life of runs, parents and tasks as pure functions: which moves hold,
/// what they change, what follows for counters, names and inputs. Stores,
/// verifier, report and executor all go by these; nothing here knows storage.
namespace conductor {

// -- runs ---------------------------------------------------------------------

/// Whether the guard of a run's move holds.
bool may_move(const run_record& run, const move_run& m);
/// Applies a move whose guard holds.
void apply_move(run_record& run, const move_run& m, timestamp at);
/// Whether an update of a run holds: it has not settled, and something changes.
bool may_update(const run_record& run, const update_run& u);
/// Applies an update that holds.
void apply_update(run_record& run, const update_run& u, timestamp at);
/// PENDING → RUNNING with its event: the first task is fanned out or leased.
move_run start_of_run(run_key run);
/// Counts a top-level task that moved; true if the run's numbers changed.
bool count_top_level(run_record& run, task_state from, task_state to,
                     std::int64_t tasks);

// -- dependencies -------------------------------------------------------------

/// Whether a task that settled so meets a condition of its dependents.
bool meets(condition wanted, task_state settled);

// -- parents ------------------------------------------------------------------

/// Fills in the counts of children that follow from the others.
void derive_counts(parent_record& parent);
/// Whether the guard of an expansion holds.
bool may_expand(const run_record& run, const parent_record& parent,
                const expand_parent& e);
/// Whether a parent has children to create, or is empty and not settled yet.
bool has_children_to_create(const parent_record& parent);
/// Applies an expansion whose guard holds, but for the children themselves.
void apply_expansion(parent_record& parent, const expand_parent& e);
/// A settled parent is PENDING again. `reserved`: children there were to be; an
/// expansion that ended early without an error continues.
void reopen(parent_record& parent, std::int64_t reserved);
/// Counts children that moved.
void count_children(parent_record& parent, task_state from, task_state to,
                    std::int64_t tasks);

// -- tasks --------------------------------------------------------------------

/// What stores keep of consecutive tasks with everything equal: a segment.
struct task_segment {
  task_range tasks;
  task_state state = task_state::pending;
  std::int32_t attempt = 0, retry_count = 0, lost_count = 0;
  std::int64_t engine = 0; ///< epoch that leased them; 0 unless RUNNING
  /// When they may be leased (PENDING leaves) or retried; none for parents and
  /// for what does not wait.
  std::optional<timestamp> due;
  timestamp created_at{}, started_at{}, updated_at{};

  CONDUCTOR_MESSAGE(task_segment, x.tasks, x.state, x.attempt, x.retry_count,
                    x.lost_count, x.engine, x.due, x.created_at, x.started_at,
                    x.updated_at)
};

/// Whether a run and its parent admit a move: no fence of either forbids it.
/// `parent` is null for a top-level task.
bool may_move_tasks(const run_record& run, const parent_record* parent,
                    const move_tasks& m);

/// Whether every task of a segment meets the guard of a move. `engine` is the
/// epoch of the engine that moves.
bool guard_holds(const task_segment& s, const move_tasks& m,
                 std::int64_t engine);

/// A segment after a move that it meets; `leaf` is false for parents.
task_segment apply_move(task_segment s, const move_tasks& m, timestamp at,
                        std::int64_t engine, bool leaf);

/// What a move does to the segments that it touches.
struct segment_split {
  /// All that replaces the touched segments, in order; untouched parts of them
  /// included.
  std::vector<task_segment> pieces;
  std::vector<task_range> moved; ///< contiguous ranges that moved
  std::vector<refusal> refusals; ///< one per task that did not
};

/// Splits touched segments (in order, as stored) at the bounds of a move.
/// Tasks of the range that no segment holds are refused as well, and all of
/// them if the table of legal moves forbids the move.
segment_split split_segments(const std::vector<task_segment>& touched,
                             const move_tasks& m, timestamp at,
                             std::int64_t engine, bool leaf);

/// The part of a segment within a range; nullopt if they share no task.
std::optional<task_segment> cut(const task_segment& s, task_range range);

/// Whether the table of legal moves allows a move of a leaf or a parent.
inline bool legal_task_move(bool leaf, task_state from, task_state to) {
  return leaf ? legal_leaf_move(from, to) : legal_parent_move(from, to);
}

/// Why a result came too late; nullopt if it is in the store already, or if
/// there is no such task. `by`: the fence of its run or parent.
std::optional<std::string_view> late_reason(const refusal& r,
                                            fence by = fence::none);
/// The fence that a task is behind; `parent` is null for a top-level task.
fence fence_of(const run_record& run, const parent_record* parent);

/// The state that an event leads a task to, given the state before it; nullopt
/// if it changes no state. `retries`: a `task.failed` is followed by a retry.
std::optional<task_state> state_after(event_kind kind, bool retries);

// -- children -----------------------------------------------------------------

/// "parent#index".
std::string child_name(std::string_view parent, std::int64_t index);
/// The item of a child that has none in a list: what the index makes of a
/// range, or the index itself. JSON text.
std::string derived_item(const fanout_source& source, std::int64_t index);
/// The input that all children share: the parent's without "fanout".
std::string shared_input(std::string_view parent_input);
/// The input of one child: the shared one with "index" and "item".
std::string child_input(std::string_view shared, std::int64_t index,
                        std::string_view item);

} // namespace conductor
