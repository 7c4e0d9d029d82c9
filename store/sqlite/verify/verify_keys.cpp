#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

/// Runs have consecutive keys, and the tasks of one begin where those of the
/// one before end; of what was pruned a record is left.
void check_run_keys(database& db, findings& out) {
  run_key last = 0;
  task_key end = 1;
  db.prepared("SELECT run,first_task,end_task,0 FROM run_rows UNION ALL "
              "SELECT run,NULL,end_task,tasks FROM prunings ORDER BY 1")
    .each([&](statement& row) {
      const auto run = row.integer(0);
      if (out.full())
        return;
      if (run <= last)
        out.add("I1", out.run(run) + " is there, and recorded as pruned");
      else if (run > last + 1)
        out.add("I1", "the runs with keys " + std::to_string(last + 1) + " to "
                        + std::to_string(run - 1)
                        + " are neither there nor recorded as pruned");
      else if (!row.is_null(1) && row.integer(1) != end)
        out.add("I2", out.run(run) + ": first_task is "
                        + std::to_string(row.integer(1))
                        + ", the run before ends at " + std::to_string(end));
      else if (row.integer(2) < end)
        out.add("I2", "the record of pruned run " + std::to_string(run)
                        + ": end_task is " + std::to_string(row.integer(2))
                        + ", the run before ends at " + std::to_string(end));
      else if (row.integer(2) - end < row.integer(3))
        out.add("I1", "the record of pruned run " + std::to_string(run)
                        + ": tasks is " + std::to_string(row.integer(3))
                        + ", it had room for "
                        + std::to_string(row.integer(2) - end));
      last = run;
      end = row.integer(2);
    });
}

/// The keys of children follow those of the top-level tasks, parent by parent.
/// One whose source broke has fewer than were kept free for it.
void check_child_keys(database& db, findings& out) {
  run_key last = 0;
  task_key next = 0;
  auto exact = true;
  db.prepared("SELECT f.task,f.run,o.run,f.base,f.total,f.broken,r.first_task+"
              "r.tasks FROM fanouts f JOIN origins o ON o.task=f.task JOIN "
              "run_rows r ON r.run=o.run ORDER BY f.task")
    .each([&](statement& row) {
      if (row.integer(2) != last) {
        last = row.integer(2);
        next = row.integer(6);
        exact = true;
      }
      differences d{"expected"};
      const auto base = row.integer(3);
      d.field("the key of its run", row.integer(1), row.integer(2));
      if (base < next || (exact && base > next))
        d.field("the key of its first child", base, next);
      if (d && !out.full())
        out.add("I2", out.task(row.integer(0)) + ": " + d.text());
      next = base + row.integer(4);
      exact = row.text(5).empty();
    });
  db.prepared(
      "SELECT r.run,r.end_task,r.first_task+r.tasks+ifnull(f.children,0) n,"
      "ifnull(f.broken,0) b FROM run_rows r LEFT JOIN (SELECT run,"
      "sum(total) children,max(broken<>'') broken FROM fanouts GROUP BY run) f "
      "ON f.run=r.run WHERE r.end_task<n OR (r.end_task>n AND b=0)")
    .each([&](statement& row) {
      if (!out.full())
        out.add("I2", out.run(row.integer(0)) + ": end_task is "
                        + std::to_string(row.integer(1)) + ", counted "
                        + std::to_string(row.integer(2)));
    });
  db.prepared("SELECT o.task,o.run FROM origins o JOIN run_rows r ON "
              "r.run=o.run WHERE o.task<r.first_task OR "
              "o.task>=r.first_task+r.tasks")
    .each([&](statement& row) {
      if (!out.full())
        out.add("I2", out.task(row.integer(0)) + " is none of the tasks that "
                        + out.run(row.integer(1)) + " was submitted with");
    });
}

/// What was pruned is gone, and its record says no more than what can have
/// been.
void check_prunings(database& db, findings& out) {
  const auto ids = load_ids(db);
  auto& covered = db.prepared(
    "SELECT max(seq+count)>?1 FROM (SELECT seq,count FROM event_spans WHERE "
    "seq<=?1 ORDER BY seq DESC LIMIT 1)");
  db.prepared("SELECT run,id,name,state,tasks,events,first_seq,last_seq FROM "
              "prunings")
    .each([&](statement& row) {
      if (out.full())
        return;
      const auto complain = [&](const std::string& what) {
        out.add("I1", "the record of pruned run \"" + row.text(2) + "\" ("
                        + row.text(1) + "): " + what);
      };
      const auto id = parse_ulid(row.text(1));
      if (!id || ids.key(id_kind::run, *id) != row.integer(0))
        complain("its id is not that of run " + std::to_string(row.integer(0)));
      const auto state = static_cast<task_state>(row.integer(3));
      if (!settled(state))
        complain("its state is " + state_in_words(state)
                 + ", only what has ended is pruned");
      const auto first = row.integer(6), last = row.integer(7);
      if (row.integer(4) < 0 || row.integer(5) < 1
          || row.integer(5) > last - first + 1)
        complain("it counts " + std::to_string(row.integer(4)) + " tasks and "
                 + std::to_string(row.integer(5)) + " events from seq "
                 + std::to_string(first) + " to " + std::to_string(last));
      for (const auto seq : {first, last})
        covered.each(
          [&](statement& found) {
            if (found.integer(0) != 0)
              complain("the event at seq " + std::to_string(seq)
                       + " is still there");
          },
          seq);
    });
}

} // namespace

void check_keys(database& db, findings& out) {
  check_run_keys(db, out);
  check_child_keys(db, out);
  check_prunings(db, out);
}

} // namespace conductor::sqlite
