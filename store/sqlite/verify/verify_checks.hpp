#pragma once

#include <functional>
#include <unordered_map>

#include "store/sqlite/verify/run_replay.hpp"

/// The checks of `orcon db verify`, by subject. All of them recount from the
/// rows, independently of the code that wrote them. Each is linear in the rows
/// that it reads; no loop is bounded by a number that a row only claims.
namespace conductor::sqlite {

/// No block can have more keys, and no key can be larger: sums of them do not
/// overflow.
inline constexpr std::int64_t most_children = std::int64_t{1} << 40;
inline constexpr std::int64_t most_keys = std::int64_t{1} << 60;

/// The schema is what this program creates, and its constants are in order.
void check_schema(database& db, findings& out);
void check_constants(database& db, findings& out);

/// Keys of runs, blocks and segments; records of pruned runs (I1, I2).
void check_keys(database& db, findings& out);
void check_prunings(database& db, findings& out);

/// Rows that refer to nothing, or that nothing refers to (I1).
void check_references(database& db, findings& out);

/// What tasks were submitted as: definitions, and the parents' rows (I1).
void check_definitions(database& db, findings& out);
/// The lists of items (I1).
void check_items(database& db, findings& out);

/// Dependencies, what tasks wait for, pauses and fences (I1, I4, I8).
void check_waiting(database& db, findings& out);

/// Numbers of events have no gaps, and times do not run back (I5).
void check_seqs(database& db, findings& out);

/// All runs with their tasks, against their events (I1 to I8).
void check_runs(database& db, findings& out, verdict& found,
                const std::function<void(double)>& progress);

/// One block of a run, against the paths of its tasks.
struct block_row {
  task_key first = 0;
  std::int64_t count = 0;
  run_key run = 0;
  task_key parent = 0, task_template = 0;

  task_key end() const { return first + count; }
};

/// What was counted in a block.
struct block_count {
  std::int64_t tasks = 0; ///< that are there
  std::int64_t known = 0; ///< of those, the ones that events tell of
  std::int64_t by_state[8] = {};
};
block_count check_block(database& db, findings& out, const run_replay& events,
                        const block_row& block);

/// Outputs and last errors of the tasks of a block (I7).
void check_outputs(database& db, findings& out, const run_replay& events,
                   const block_row& block);
/// The last error of tasks with equal paths; `error` is its key.
void check_error(database& db, findings& out, task_key task,
                 const task_path& path, run_key run, std::int64_t error);

/// What was counted, by the parent of the block.
struct counted_block {
  block_row block;
  block_count count;
};
using counted_blocks = std::unordered_map<task_key, counted_block>;
/// The rows of a run's parents against their children, their events and their
/// own segments.
void check_parents(database& db, findings& out, const run_replay& events,
                   run_key run, const counted_blocks& children);
/// What an aggregated parent answered (I7).
void check_parent_output(database& db, findings& out, task_key parent);

} // namespace conductor::sqlite
