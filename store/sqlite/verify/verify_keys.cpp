#include "store/event_hash.hpp"
#include "store/sqlite/admin/pruned_events.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

std::string number(std::int64_t n) {
  return std::to_string(n);
}

/// I2: blocks do not overlap. Keys are counted from 1.
void check_blocks(database& db, findings& out) {
  task_key end = 1;
  db.prepared("SELECT first, count FROM blocks ORDER BY first")
    .each([&](statement& row) {
      const auto first = row.integer(0), count = row.integer(1);
      if (first < end)
        out.add("I2", "the block of " + number(count) + " tasks from key "
                        + number(first)
                        + " on overlaps the one before it,"
                          " which ends at "
                        + number(end));
      if (count < 0 || count > most_children || first > most_keys)
        out.add("I2", "the block from key " + number(first)
                        + " on claims to have " + number(count) + " tasks");
      end = std::max(
        end, plus(first, std::clamp<std::int64_t>(count, 0, most_children)));
    });
}

/// Runs have consecutive keys, and the tasks of one begin where those of the
/// one before end; of what was pruned a record is left.
void check_run_keys(database& db, findings& out) {
  run_key last = 0;
  task_key end = 1;
  db.prepared(
      "SELECT r.run, r.first_task, coalesce(b.end, r.first_task), 0,"
      " coalesce(b.keys, 0) FROM run_rows r LEFT JOIN (SELECT run,"
      " max(first + count) AS end, total(count) AS keys FROM blocks GROUP BY"
      " run) b ON b.run = r.run UNION ALL"
      " SELECT run, NULL, end_task, tasks, 0 FROM prunings ORDER BY 1")
    .each([&](statement& row) {
      const auto run = row.integer(0), next = row.integer(2);
      if (out.full())
        return;
      if (run <= last)
        out.add("I1", out.run(run) + " is there, and recorded as pruned");
      else if (run > last + 1)
        out.add("I1", "the runs with keys " + number(last + 1) + " to "
                        + number(run - 1)
                        + " are neither there nor recorded as pruned");
      else if (row.is_null(1) && minus(next, end) < row.integer(3))
        out.add("I1", "the record of pruned run " + number(run)
                        + ": end_task is " + number(next) + " and tasks is "
                        + number(row.integer(3)) + ", the run before ends at "
                        + number(end));
      else if (!row.is_null(1) && row.integer(1) != end)
        out.add("I2", out.run(run) + ": first_task is " + number(row.integer(1))
                        + ", the run before ends at " + number(end));
      else if (!row.is_null(1) && minus(next, end) != row.integer(4))
        out.add("I2", out.run(run) + " has " + number(row.integer(4))
                        + " keys in its blocks, between its first and its last"
                          " there are "
                        + number(minus(next, end)));
      last = run;
      end = std::max(end, next);
    });
}

} // namespace

void check_keys(database& db, findings& out) {
  check_blocks(db, out);
  check_run_keys(db, out);
}

// -- what was pruned ----------------------------------------------------------

namespace {

struct pruning {
  explicit pruning(const statement& row)
    : run(row.integer(0)), id(row.text(1)), name(row.text(2)),
      state(row.integer(3)), tasks(row.integer(4)), events(row.integer(5)),
      first_seq(row.integer(6)), last_seq(row.integer(7)),
      end_task(row.integer(8)), seal(row.integer(9)), at(row.time(10)) {}

  run_key run;
  std::string id, name;
  std::int64_t state, tasks, events, first_seq, last_seq, end_task, seal;
  timestamp at;
};

/// Whether an event of another run has the number.
bool has_event(database& db, event_seq seq, run_key run) {
  auto found = false;
  db.prepared("SELECT seq + count > ?1 AND run <> ?2 FROM event_spans WHERE"
              " seq = (SELECT max(seq) FROM event_spans WHERE seq <= ?1)")
    .each([&](statement& row) { found = row.integer(0) != 0; }, seq, run);
  return found;
}

void check_pruning(database& db, const id_space& ids, const pruning& p,
                   findings& out) {
  const auto complain = [&](const std::string& what) {
    out.add("I1", "the record of pruned run \"" + p.name + "\" (" + p.id
                    + "): " + what);
  };
  const auto id = parse_ulid(p.id);
  if (!id || ids.key(id_kind::run, *id) != p.run)
    complain("its id is not that of run " + number(p.run));
  const auto state = static_cast<task_state>(p.state);
  if (!settled(state))
    complain("its state is " + state_in_words(state)
             + ", only what has ended is pruned");
  if (p.tasks < 0 || p.events < 1 || p.first_seq < 1
      || p.events - 1 > minus(p.last_seq, p.first_seq))
    complain("it counts " + number(p.tasks) + " tasks and " + number(p.events)
             + " events from seq " + number(p.first_seq) + " to "
             + number(p.last_seq));
  for (const auto seq : {p.first_seq, p.last_seq})
    if (has_event(db, seq, p.run))
      complain("the event at seq " + number(seq) + " is that of another run");
  if (p.seal
      != seal_of_pruning({p.run, p.id, p.name, p.state, p.tasks, p.events,
                          p.first_seq, p.last_seq, p.end_task, p.at}))
    complain("its checksum does not match: some member was changed");
}

} // namespace

void check_prunings(database& db, findings& out) {
  const auto ids = stored_ids(db);
  db.prepared("SELECT run, id, name, state, tasks, events, first_seq, last_seq,"
              " end_task, chain, at FROM prunings")
    .each([&](statement& row) {
      if (!out.full())
        check_pruning(db, ids, pruning{row}, out);
    });
}

// -- numbers of events --------------------------------------------------------

void check_seqs(database& db, findings& out) {
  const pruned_events pruned{db};
  event_seq expected = 1;
  std::int64_t missing = 0;
  timestamp latest{};
  const auto skip_to = [&](event_seq next) {
    missing = plus(missing, minus(next, expected));
    if (next < expected)
      out.add("I5", "the events at seq " + number(next)
                      + " and after it have numbers that were used before");
    else if (next > expected && !pruned.cover(expected, next - 1))
      out.add("I5", "the events from seq " + number(expected) + " to "
                      + number(next - 1) + " are missing");
  };
  db.prepared("SELECT seq, count, at FROM event_spans WHERE run NOT IN (SELECT"
              " run FROM prunings) ORDER BY seq")
    .each([&](statement& row) {
      skip_to(row.integer(0));
      expected
        = plus(row.integer(0),
               std::clamp<std::int64_t>(row.integer(1), 1, longest_span));
      if (row.time(2) < latest)
        out.add("I5", "the time of the event at seq " + number(row.integer(0))
                        + " is before that of an earlier one");
      latest = std::max(latest, row.time(2));
    });
  skip_to(std::max(expected, plus(pruned.last(), 1)));
  if (missing != pruned.count())
    out.add("I5", number(missing) + " events are missing, "
                    + number(pruned.count()) + " were pruned");
}

} // namespace conductor::sqlite
