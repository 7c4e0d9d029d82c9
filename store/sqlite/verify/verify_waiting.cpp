#include <vector>

#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

std::string where(task_range tasks, findings& out) {
  return "the lease of " + out.task(tasks.first) + " and the "
         + std::to_string(tasks.count - 1) + " tasks after it ";
}

/// Who is RUNNING, in order, against the leases, in order: some lease that
/// starts before a task must reach beyond it.
void check_running(database& db, const std::vector<task_range>& leases,
                   findings& out) {
  auto next = leases.begin();
  task_key covered = 0;
  db.prepared("SELECT task FROM task_rows WHERE state=3 ORDER BY task")
    .each([&](statement& row) {
      const auto task = row.integer(0);
      for (; next != leases.end() && next->first <= task; ++next)
        covered = std::max(covered, next->end());
      if (task >= covered && !out.full())
        out.add("I8", out.task(task) + " is RUNNING, but no lease covers it");
    });
}

} // namespace

void check_leases(database& db, findings& out) {
  std::vector<task_range> leases;
  db.prepared("SELECT first,count FROM leases ORDER BY first")
    .each([&](statement& row) {
      leases.push_back({row.integer(0), row.integer(1)});
    });
  check_running(db, leases, out);
  db.prepared("SELECT first,count FROM leases WHERE count<1 OR "
              "epoch>(SELECT epoch FROM engine)")
    .each([&](statement& row) {
      if (!out.full())
        out.add("I8", where({row.integer(0), row.integer(1)}, out)
                        + "is of no engine that there was, or of no task");
    });
  // An engine at work, or one that was killed, leaves leases whose tasks have
  // moved on, e.g. were cancelled. One that ended in good order has given back
  // all; but a handler that outlived its cancellation may have kept it.
  db.prepared("SELECT l.first,l.count FROM leases l WHERE (SELECT clean FROM "
              "engine)=1 AND NOT EXISTS(SELECT 1 FROM task_rows t WHERE "
              "t.task>=l.first AND t.task<l.first+l.count AND "
              "t.state IN(3,7))")
    .each([&](statement& row) {
      if (!out.full())
        out.add("I8", where({row.integer(0), row.integer(1)}, out)
                        + "covers no RUNNING task, and no engine is at work");
    });
}

/// Whoever waits is found: by the claim cursor of its parent, or in `due`.
void check_waiting(database& db, findings& out) {
  out.each_task("I8",
                "SELECT t.task FROM task_rows t LEFT JOIN due d ON "
                "d.task=t.task AND d.state=5 WHERE t.state=5 AND d.task IS "
                "NULL",
                "waits for a retry that is not scheduled");
  // The cursor claims first attempts only.
  out.each_task(
    "I8",
    "SELECT t.task FROM task_rows t LEFT JOIN due d ON d.task=t.task LEFT JOIN "
    "fanouts f ON f.task=iif(t.parent=0,t.task,t.parent) WHERE t.state=2 AND "
    "d.task IS NULL AND iif(t.parent=0,f.task IS NULL,t.attempt>0 OR "
    "t.task<f.base+f.claimed)",
    "is PENDING, but no engine will find it: it is not in `due`, nor ahead of "
    "its parent's cursor");
  db.prepared("SELECT d.task,d.state,t.state FROM due d LEFT JOIN task_rows t "
              "ON t.task=d.task WHERE t.state IS NOT d.state")
    .each([&](statement& row) {
      if (out.full())
        return;
      const auto name = [&](int column) {
        return state_in_words(static_cast<task_state>(row.integer(column)));
      };
      out.add("I8", out.task(row.integer(0)) + " is in `due` as " + name(1)
                      + ", but "
                      + (row.is_null(2) ? "is not there" : "is " + name(2)));
    });
  out.each_task("I8",
                "SELECT d.task FROM due d JOIN fanouts f ON f.task=d.task",
                "is a parent, but is in `due` as if it were to be leased");
}

} // namespace conductor::sqlite
