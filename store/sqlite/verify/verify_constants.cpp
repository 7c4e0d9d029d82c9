#include <conductor/json_text.hpp>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

void check_event_kinds(database& db, findings& out) {
  std::array<std::string, 256> stored;
  db.prepared("SELECT kind,name FROM event_kinds").each([&](statement& row) {
    const auto kind = row.integer(0);
    if (kind < 0 || kind > 255
        || *to_string(static_cast<event_kind>(kind)) == 0)
      return out.add(
        "I5", "event_kinds has a kind " + std::to_string(row.integer(0))
                + " named " + excerpt(row.text(1)) + ", which is none of ours");
    stored[static_cast<std::size_t>(kind)] = row.text(1);
  });
  for (std::size_t kind = 0; kind < stored.size(); ++kind) {
    const std::string right = to_string(static_cast<event_kind>(kind));
    if (stored[kind] != right)
      out.add("I5", "event_kinds names kind " + std::to_string(kind) + " "
                      + excerpt(stored[kind]) + ", its name is "
                      + excerpt(right));
  }
}

/// Ids are made of keys, times and the salt: all of it can be made again.
void check_run_ids(database& db, const id_space& ids, findings& out) {
  db.prepared("SELECT run,id,created,name,meta FROM run_rows")
    .each([&](statement& row) {
      if (out.full())
        return;
      differences d{"its key and created_at make it"};
      d.field(
        "id", std::string_view{row.text(1)},
        std::string_view{ids.text(id_kind::run, row.time(2), row.integer(0))});
      if (d)
        out.add("I2", out.run(row.integer(0)) + ": " + d.text());
      if (!json::accept(row.text(4)))
        out.add("I1", "meta of " + out.run(row.integer(0))
                        + " is not JSON: " + excerpt(row.text(4)));
    });
}

void check_task_ids(database& db, const id_space& ids, findings& out) {
  constexpr std::size_t shared = 18; // characters: time, mark and kind
  db.prepared("SELECT o.task,o.id_prefix,o.created,r.created,t.created FROM "
              "origins o LEFT JOIN run_rows r ON r.run=o.run LEFT JOIN "
              "task_rows t ON t.task=o.task")
    .each([&](statement& row) {
      if (out.full())
        return;
      if (row.is_null(3))
        return out.add("I1", out.task(row.integer(0)) + " is of no run");
      differences d{"its run's creation makes it"};
      const auto id = ids.text(id_kind::task, row.time(3), 0);
      d.field("the start of its id", std::string_view{row.text(1)},
              std::string_view{id}.substr(0, shared));
      d.field("the time in its id", row.time(2), row.time(3));
      if (!row.is_null(4))
        d.field("created_at", row.time(4), row.time(3));
      if (d)
        out.add("I2", out.task(row.integer(0)) + ": " + d.text());
    });
}

} // namespace

void check_constants(database& db, findings& out) {
  check_event_kinds(db, out);
  const auto ids = load_ids(db);
  check_run_ids(db, ids, out);
  check_task_ids(db, ids, out);
  const auto mark = ids.text(id_kind::event, no_time, 0).substr(10, 8);
  std::string stored;
  db.prepared("SELECT value FROM settings WHERE name='event_mark'")
    .each([&](statement& row) { stored = row.text(0); });
  if (stored != mark)
    out.add("I5", "settings: event_mark is " + excerpt(stored)
                    + ", the salt makes it " + excerpt(mark));
  db.prepared("SELECT count(*),min(i),max(i) FROM offsets")
    .each([&](statement& row) {
      if (row.integer(0) != max_span || row.integer(1) != 0
          || row.integer(2) != max_span - 1)
        out.add("I5", "the table offsets is not 0 to "
                        + std::to_string(max_span - 1)
                        + ": events are missing in the view");
    });
  if (db.number("SELECT count(*) FROM engine") != 1)
    out.add("I1", "the row of the table engine is missing");
}

} // namespace conductor::sqlite
