#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

/// I2: no id twice, children of a fan-out of N are exactly 1 … N. Keys are
/// unique by the schema; here is whether they are all there.
void check_children(database& db, findings& out) {
  db.prepared("SELECT f.task,f.expanded,(SELECT count(*) FROM task_rows t "
              "WHERE t.task>=f.base AND t.task<f.base+f.expanded AND "
              "t.parent=f.task) n FROM fanouts f WHERE f.expanded<>n")
    .each([&](statement& row) {
      if (!out.full())
        out.add("I2", out.task(row.integer(0)) + " has created "
                        + std::to_string(row.integer(1)) + " children, "
                        + std::to_string(row.integer(2))
                        + " of them are there");
    });
  out.each_task("I2",
                "SELECT t.task FROM task_rows t LEFT JOIN fanouts f ON "
                "f.task=t.parent WHERE t.parent<>0 AND (f.task IS NULL OR "
                "t.task<f.base OR t.task>=f.base+f.expanded)",
                "is no child of the task that its row names as its parent");
  out.each_task("I2",
                "SELECT t.task FROM task_rows t LEFT JOIN origins o ON "
                "o.task=t.task WHERE t.parent=0 AND o.task IS NULL",
                "has neither a parent nor a definition of its own");
  out.each_task("I1",
                "SELECT o.task FROM origins o LEFT JOIN task_rows t ON "
                "t.task=o.task WHERE t.task IS NULL OR t.parent<>0",
                "was submitted, but has no row as a top-level task");
  out.each_task("I2",
                "SELECT task FROM fanouts WHERE expanded>total OR "
                "claimed>expanded OR expanded<0 OR claimed<0",
                "has a cursor that is out of its bounds "
                "(0 <= claimed <= expanded <= total)");
}

namespace {

/// Compares columns of one row with columns that were counted: as many names,
/// the stored ones from column 1 on, the counted ones after them.
void compare(const statement& row, std::initializer_list<const char*> names,
             const std::string& whose, findings& out) {
  differences d;
  const auto n = static_cast<int>(names.size());
  int column = 1;
  for (const auto* name : names) {
    d.field(name, row.integer(column), row.integer(column + n));
    ++column;
  }
  if (d)
    out.add("I6", whose + ": " + d.text());
}

} // namespace

/// I6: counters of parents and runs equal a recount.
void check_counters(database& db, findings& out) {
  db.prepared(
      "SELECT f.task,f.running,f.retrying,f.succeeded,f.failed,f.cancelled,"
      "ifnull(c.k3,0) n3,ifnull(c.k5,0) n5,ifnull(c.k4,0) n4,ifnull(c.k6,0) n6,"
      "ifnull(c.k7,0) n7 FROM fanouts f LEFT JOIN (SELECT parent,"
      "sum(state=3) k3,sum(state=5) k5,sum(state=4) k4,sum(state=6) k6,"
      "sum(state=7) k7 FROM task_rows WHERE parent>0 GROUP BY parent) c ON "
      "c.parent=f.task WHERE f.running<>n3 OR f.retrying<>n5 OR "
      "f.succeeded<>n4 OR f.failed<>n6 OR f.cancelled<>n7")
    .each([&](statement& row) {
      if (!out.full())
        compare(row,
                {"running", "retrying", "succeeded", "failed", "cancelled"},
                "the children of " + out.task(row.integer(0)), out);
    });
  db.prepared("SELECT f.task,f.state,t.state FROM fanouts f JOIN task_rows t "
              "ON t.task=f.task WHERE f.state<>t.state")
    .each([&](statement& row) {
      if (!out.full())
        out.add("I6",
                out.task(row.integer(0)) + " is "
                  + state_in_words(static_cast<task_state>(row.integer(1)))
                  + " as a parent and "
                  + state_in_words(static_cast<task_state>(row.integer(2)))
                  + " as a task");
    });
  db.prepared("SELECT r.run,r.tasks,r.succeeded,r.failed,r.cancelled,"
              "ifnull(c.k,0) n,ifnull(c.k4,0) n4,ifnull(c.k6,0) n6,"
              "ifnull(c.k7,0) n7 FROM run_rows r LEFT JOIN (SELECT o.run run,"
              "count(*) k,sum(t.state=4) k4,sum(t.state=6) k6,"
              "sum(t.state=7) k7 FROM origins o JOIN task_rows t ON "
              "t.task=o.task GROUP BY o.run) c ON c.run=r.run WHERE "
              "r.tasks<>n OR r.succeeded<>n4 OR r.failed<>n6 OR "
              "r.cancelled<>n7")
    .each([&](statement& row) {
      if (!out.full())
        compare(row, {"tasks", "succeeded", "failed", "cancelled"},
                "the top-level tasks of " + out.run(row.integer(0)), out);
    });
  out.each_run("I6",
               "SELECT run FROM run_rows WHERE state IN(4,6,7) AND "
               "succeeded+failed+cancelled<>tasks",
               "has ended, but not all of its tasks have");
  out.each_task("I6",
                "SELECT task FROM fanouts WHERE state IN(4,6,7) AND "
                "(expanded<>total OR succeeded+failed+cancelled<>total)",
                "has ended, but not all of its children have");
}

/// I8: retries within bounds. I3: until the first attempt `started` is the time
/// of creation, and of who is RUNNING that of the newest move.
void check_retries(database& db, findings& out) {
  out.each_task("I3",
                "SELECT task FROM task_rows WHERE "
                "(attempt=0 AND started<>created) OR "
                "(state=3 AND started<>updated)",
                "has a started_at that is not that of its newest attempt");
  db.prepared("SELECT t.task,t.retries,o.max_retries FROM task_rows t JOIN "
              "origins o ON o.task=iif(t.parent=0,t.task,t.parent) WHERE "
              "t.retries>o.max_retries")
    .each([&](statement& row) {
      if (!out.full())
        out.add("I8", out.task(row.integer(0)) + " was retried "
                        + std::to_string(row.integer(1))
                        + " times, max_retries is "
                        + std::to_string(row.integer(2)));
    });
}

} // namespace conductor::sqlite
