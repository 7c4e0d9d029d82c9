#include "store/sqlite/verify/verify_checks.hpp"

/// What tasks wait for, recounted from the dependencies (I8).
namespace conductor::sqlite {

namespace {

/// The state of task `task` in the row at hand.
constexpr auto state_of = "(SELECT s.state FROM segments s WHERE s.first <="
                          " {} AND s.first + s.count > {} ORDER BY s.first"
                          " DESC LIMIT 1)";

std::string with_state(std::string text, const std::string& task) {
  std::string state = state_of;
  for (std::size_t at; (at = state.find("{}")) != std::string::npos;)
    state.replace(at, 2, task);
  for (std::size_t at; (at = text.find("@")) != std::string::npos;)
    text.replace(at, 1, state);
  return text;
}

} // namespace

void check_waiting(database&, findings& out) {
  out.each_task("I1",
                "SELECT d.dependent FROM dependencies d"
                " LEFT JOIN templates a ON a.task = d.task"
                " LEFT JOIN templates b ON b.task = d.dependent"
                " WHERE a.run IS NULL OR b.run IS NULL OR a.run <> b.run",
                "waits for a task that is not of its run");
  out.each_task("I1",
                "SELECT d.dependent FROM dependencies d LEFT JOIN waiting w"
                " ON w.task = d.dependent WHERE w.task IS NULL",
                "depends on others, but nothing says how many it waits for");
  out.each_task("I1",
                "SELECT w.task FROM waiting w LEFT JOIN templates t"
                " ON t.task = w.task WHERE t.task IS NULL",
                "waits, but was never submitted");
  out.each_task(
    "I8",
    with_state("SELECT w.task FROM waiting w WHERE (w.held = 1"
               " AND w.not_before = 0 OR w.left <> w.held + (SELECT count(*)"
               " FROM dependencies d WHERE d.dependent = w.task AND @"
               " IN (2, 3, 5))) AND ",
               "d.task")
      + with_state("@ = 2", "w.task"),
    "waits for another number of tasks than have yet to settle");
  out.each_task("I8",
                with_state("SELECT w.task FROM waiting w WHERE w.skipped = 1"
                           " AND @ <> 7",
                           "w.task"),
                "was skipped, but is not CANCELLED");
  out.each_run("I4",
               "SELECT r.run FROM run_rows r WHERE r.skipped <> (SELECT"
               " count(*) FROM waiting w WHERE w.skipped = 1 AND w.task >="
               " r.first_task AND w.task < r.first_task + r.tasks)",
               "has another number of skipped tasks than it says");
  out.each_run(
    "I4",
    "SELECT r.run FROM run_rows r WHERE r.paused <> coalesce((SELECT"
    " e.kind = 7 FROM event_spans e WHERE e.run = r.run AND e.kind IN (7, 8)"
    " ORDER BY e.seq DESC LIMIT 1), 0)",
    "is paused or not, and its events say the opposite");
  out.each_run(
    "I4",
    "SELECT r.run FROM run_rows r WHERE (r.fence = 1) <> coalesce((SELECT"
    " e.kind = 4 FROM event_spans e WHERE e.run = r.run AND e.kind IN (4, 5)"
    " ORDER BY e.seq DESC LIMIT 1), 0)",
    "is being cancelled or not, and its events say the opposite");
}

} // namespace conductor::sqlite
