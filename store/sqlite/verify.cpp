#include <conductor/verify.hpp>

#include "store/event_hash.hpp"
#include "store/sqlite/rows.hpp"
#include "store/sqlite/sql.hpp"
#include "store/sqlite/task_walk.hpp"

namespace conductor {

namespace {

using sqlite::database;
using sqlite::statement;

constexpr std::size_t most_violations = 100;

/// Collects what is wrong.
struct findings {
  verdict found;

  void add(const char* invariant, std::string what) {
    if (found.violations.size() < most_violations)
      found.violations.push_back({invariant, std::move(what)});
  }

  /// Each row of a query is one thing that is wrong.
  void each_row(database& db, const char* invariant, const char* text,
                const char* sql) {
    db.prepared(sql).each(
      [&](statement& row) { add(invariant, text + (": " + row.text(0))); });
  }
};

/// I2: no id twice, children of a fan-out of N are exactly 1 … N. Keys are
/// unique by the schema; here is whether they are all there.
void check_children(database& db, findings& out) {
  out.each_row(db, "I2", "a fan-out's children are not exactly 1…expanded",
               "SELECT f.task||': '||f.expanded||' expected' FROM fanouts f "
               "WHERE f.expanded<>(SELECT count(*) FROM task_rows t WHERE "
               "t.task>=f.base AND t.task<f.base+f.total AND t.parent=f.task)");
  out.each_row(db, "I2", "a task whose parent is none",
               "SELECT t.task FROM task_rows t LEFT JOIN origins o ON "
               "o.task=iif(t.parent=0,t.task,t.parent) WHERE o.task IS NULL "
               "LIMIT 10");
  out.each_row(db, "I2", "a cursor that is out of its bounds",
               "SELECT task FROM fanouts WHERE expanded>total OR "
               "claimed>expanded OR expanded<0");
}

/// I6: counters of parents and runs equal a recount.
void check_counters(database& db, findings& out) {
  out.each_row(
    db, "I6", "a parent's counters differ from its children",
    "SELECT f.task||': stored '||f.running||'/'||f.retrying||'/'||f.succeeded"
    "||'/'||f.failed||'/'||f.cancelled||', counted '||c.n3||'/'||c.n5||'/'||"
    "c.n4||'/'||c.n6||'/'||c.n7 FROM fanouts f JOIN (SELECT parent,"
    "sum(state=3) n3,sum(state=5) n5,sum(state=4) n4,sum(state=6) n6,"
    "sum(state=7) n7 FROM task_rows WHERE parent>0 GROUP BY parent) c ON "
    "c.parent=f.task WHERE f.running<>c.n3 OR f.retrying<>c.n5 OR "
    "f.succeeded<>c.n4 OR f.failed<>c.n6 OR f.cancelled<>c.n7");
  out.each_row(db, "I6", "a parent's state differs from its row",
               "SELECT f.task FROM fanouts f JOIN task_rows t ON t.task=f.task "
               "WHERE f.state<>t.state");
  out.each_row(
    db, "I6", "a run's counters differ from its tasks",
    "SELECT r.id FROM run_rows r JOIN (SELECT o.run run,count(*) n,"
    "sum(t.state=4) n4,sum(t.state=6) n6,sum(t.state=7) n7 FROM origins o "
    "JOIN task_rows t ON t.task=o.task GROUP BY o.run) c ON c.run=r.run WHERE "
    "r.tasks<>c.n OR r.succeeded<>c.n4 OR r.failed<>c.n6 OR r.cancelled<>c.n7");
  out.each_row(db, "I6", "a settled run with unsettled tasks",
               "SELECT id FROM run_rows WHERE state IN(4,6,7) AND "
               "succeeded+failed+cancelled<>tasks");
  out.each_row(
    db, "I6", "a settled parent with unsettled children",
    "SELECT task FROM fanouts WHERE state IN(4,6,7) AND (expanded<>total OR "
    "succeeded+failed+cancelled<>total)");
}

/// I8: retries within bounds; whoever waits is in the due table, once.
void check_retries(database& db, findings& out) {
  out.each_row(
    db, "I8", "more retries than allowed",
    "SELECT t.task FROM task_rows t JOIN origins o ON "
    "o.task=iif(t.parent=0,t.task,t.parent) WHERE t.retries>o.max_retries");
  out.each_row(
    db, "I8", "a task waits for a retry that is not scheduled",
    "SELECT t.task FROM task_rows t LEFT JOIN due d ON "
    "d.task=t.task AND d.state=5 WHERE t.state=5 AND d.task IS NULL");
  out.each_row(db, "I8", "a scheduled task is in another state",
               "SELECT d.task FROM due d LEFT JOIN task_rows t ON "
               "t.task=d.task WHERE t.state IS NOT d.state");
  out.each_row(db, "I8", "a RUNNING task without a lease",
               "SELECT t.task FROM task_rows t WHERE t.state=3 AND NOT EXISTS("
               "SELECT 1 FROM leases l WHERE l.first>t.task-100001 AND "
               "l.first<=t.task AND l.first+l.count>t.task)");
}

} // namespace

result<verdict> verify_database(const std::string& path,
                                const std::function<void(double)>& progress) {
  try {
    const auto db = sqlite::open_for_reading(path);
    // One snapshot for all of it, or counts and events would disagree while
    // an engine works.
    db->execute("BEGIN");
    findings out;
    check_children(*db, out);
    check_counters(*db, out);
    check_retries(*db, out);
    sqlite::walk_events(*db, out.found, progress,
                        [&](const char* invariant, std::string what) {
                          out.add(invariant, std::move(what));
                        });
    out.found.runs = db->number("SELECT count(*) FROM run_rows");
    out.found.tasks = db->number("SELECT count(*) FROM task_rows");
    db->execute("COMMIT");
    return out.found;
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<std::string> check_database(const std::string& path) {
  try {
    const auto db = sqlite::open_for_reading(path);
    std::string text;
    db->prepared("PRAGMA quick_check(20)").each([&](statement& row) {
      if (row.text(0) != "ok")
        text += row.text(0) + "\n";
    });
    return text;
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

} // namespace conductor
