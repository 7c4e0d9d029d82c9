#pragma once

#include "store/sqlite/verify/task_walk.hpp"

/// The checks of `orcon db verify`, by subject. Each of them is linear in the
/// rows that it reads and keeps none of them.
namespace conductor::sqlite {

/// Children, counters of parents and runs: a recount (I2, I6, I8).
void check_children(database& db, findings& out);
void check_counters(database& db, findings& out);
void check_retries(database& db, findings& out);

/// Who is RUNNING has a lease; who is to be worked on can be found (I8).
void check_leases(database& db, findings& out);
void check_waiting(database& db, findings& out);

/// What tasks were submitted as, against the definition that is kept (I1).
void check_definitions(database& db, findings& out);
/// Ids, names of events, and what else never changes; records of pruned runs.
void check_constants(database& db, findings& out);
void check_keys(database& db, findings& out);

/// Rows of tasks, runs and `due` against the paths of their events (I3, I5).
void compare_tasks(database& db, const task_walk& walk, findings& out);
void compare_runs(database& db, const task_walk& walk, findings& out);
void compare_due(database& db, const task_walk& walk, findings& out);

/// Inputs, outputs and errors: JSON, of a task that may have them, and as the
/// events and other rows say (I1, I7).
void check_items(database& db, const task_walk& walk, findings& out);
void check_outputs(database& db, const task_walk& walk, findings& out);
void check_errors(database& db, const task_walk& walk, findings& out);
void check_parent_outputs(database& db, const task_walk& walk, findings& out);

} // namespace conductor::sqlite
