#include "store/sqlite/schema/schema.hpp"

#include <array>
#include <random>

namespace conductor::sqlite {

namespace {

constexpr std::int64_t application_id = 0x4F52434E; // "ORCN"

// Physical tables. What people query are the views below.
//
// Keys are integers handed out in order; the children of a fan-out are
// consecutive, so that the primary key is the guarantee of "exactly N", and a
// child's index, name, id and derived item are arithmetic. Rows of tasks hold
// nothing that an update could make longer: `started` and `updated` are filled
// with the time of creation until they mean something (attempt > 0).
constexpr auto tables = R"sql(
CREATE TABLE settings(name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
CREATE TABLE engine(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  epoch INTEGER NOT NULL, commits INTEGER NOT NULL, clean INTEGER NOT NULL,
  pid INTEGER NOT NULL, started_at INTEGER NOT NULL) STRICT;
INSERT INTO engine VALUES(1, 0, 0, 1, 0, 0);

CREATE TABLE run_rows(
  run INTEGER PRIMARY KEY, id TEXT NOT NULL, state INTEGER NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL,
  started INTEGER NOT NULL, finished INTEGER NOT NULL,
  tasks INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL, retries INTEGER NOT NULL,
  budget_count INTEGER NOT NULL, budget_percent REAL NOT NULL,
  first_task INTEGER NOT NULL, end_task INTEGER NOT NULL,
  chain INTEGER NOT NULL,
  name TEXT NOT NULL, meta TEXT NOT NULL, idempotency_key TEXT) STRICT;
CREATE UNIQUE INDEX run_by_key ON run_rows(idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX run_open ON run_rows(run) WHERE state < 4;

-- What a top-level task was submitted as; its children share it.
CREATE TABLE origins(
  task INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run_rows,
  created INTEGER NOT NULL, max_retries INTEGER NOT NULL,
  id_prefix TEXT NOT NULL, name TEXT NOT NULL, handler TEXT NOT NULL,
  input TEXT NOT NULL, child_input TEXT, spec TEXT NOT NULL) STRICT;
CREATE INDEX origin_by_run ON origins(run);

CREATE TABLE fanouts(
  task INTEGER PRIMARY KEY REFERENCES origins, run INTEGER NOT NULL,
  state INTEGER NOT NULL, base INTEGER NOT NULL, total INTEGER NOT NULL,
  expanded INTEGER NOT NULL, claimed INTEGER NOT NULL,
  running INTEGER NOT NULL, retrying INTEGER NOT NULL,
  succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  item_from INTEGER NOT NULL, item_step INTEGER NOT NULL,
  source_offset INTEGER NOT NULL, source_size INTEGER NOT NULL,
  source_mtime INTEGER NOT NULL, source_spooled INTEGER NOT NULL,
  source_path TEXT NOT NULL, broken TEXT NOT NULL) STRICT;
CREATE INDEX fanout_by_run ON fanouts(run);
CREATE INDEX fanout_open ON fanouts(task) WHERE state = 2;

CREATE TABLE task_rows(
  task INTEGER PRIMARY KEY, parent INTEGER NOT NULL, state INTEGER NOT NULL,
  attempt INTEGER NOT NULL, retries INTEGER NOT NULL, lost INTEGER NOT NULL,
  created INTEGER NOT NULL, started INTEGER NOT NULL,
  updated INTEGER NOT NULL) STRICT;

CREATE TABLE items(task INTEGER PRIMARY KEY, item TEXT NOT NULL) STRICT;
CREATE TABLE outputs(task INTEGER PRIMARY KEY, output TEXT NOT NULL) STRICT;
CREATE TABLE errors(task INTEGER PRIMARY KEY, error TEXT NOT NULL) STRICT;

CREATE TABLE leases(
  first INTEGER PRIMARY KEY, count INTEGER NOT NULL,
  deadline INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT;

-- Only what a parent's claim cursor does not cover: top-level leaves, retries.
CREATE TABLE due(
  task INTEGER PRIMARY KEY, at INTEGER NOT NULL, state INTEGER NOT NULL) STRICT;
CREATE INDEX due_by_time ON due(state, at);

CREATE TABLE event_spans(
  seq INTEGER PRIMARY KEY, run INTEGER NOT NULL, first INTEGER NOT NULL,
  count INTEGER NOT NULL, kind INTEGER NOT NULL, at INTEGER NOT NULL,
  payload TEXT NOT NULL, hash INTEGER NOT NULL) STRICT;
CREATE INDEX span_by_run ON event_spans(run);
CREATE INDEX span_by_task ON event_spans(first) WHERE first > 0;

CREATE TABLE event_kinds(kind INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE offsets(i INTEGER PRIMARY KEY) STRICT;
)sql";

/// SQL for `digits` characters of Crockford's base 32 of an integer.
std::string base32(const std::string& value, int digits) {
  std::string sql;
  for (int i = digits - 1; i >= 0; --i) {
    if (!sql.empty())
      sql += "||";
    sql += "substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ',1+((" + value + ">>"
           + std::to_string(5 * i) + ")&31),1)";
  }
  return sql;
}

/// SQL for a time as people read it; NULL where it is 0.
std::string iso(const std::string& ms) {
  return "CASE WHEN " + ms + ">0 THEN strftime('%Y-%m-%dT%H:%M:%fZ'," + ms
         + "/1000.0,'unixepoch') END";
}

std::string state_name(const std::string& value) {
  return "CASE " + value
         + " WHEN 2 THEN 'PENDING' WHEN 3 THEN 'RUNNING' WHEN 4 THEN "
           "'SUCCEEDED' WHEN 7 THEN 'CANCELLED' ELSE 'FAILED' END";
}

std::string runs_view() {
  return "CREATE VIEW runs AS SELECT id," + iso("created") + " AS created_at,"
         + iso("updated") + " AS updated_at," + state_name("state")
         + " AS state, meta, name," + iso("started") + " AS started_at,"
         + iso("finished")
         + " AS finished_at, tasks, retries, idempotency_key FROM run_rows";
}

std::string tasks_view() {
  return "CREATE VIEW tasks AS SELECT o.id_prefix||" + base32("t.task", 8)
         + " AS id, r.id AS run_id, CASE WHEN t.parent>0 THEN o.id_prefix||"
         + base32("t.parent", 8)
         + " END AS parent_task_id, CASE WHEN t.parent>0 THEN "
           "o.name||'#'||(t.task-f.base+1) ELSE o.name END AS name,"
         + state_name("t.state") + " AS state," + iso("t.created")
         + " AS created_at," + iso("t.updated")
         + " AS updated_at, CASE WHEN t.parent>0 THEN json_set(o.child_input,"
           "'$.index',t.task-f.base+1,'$.item',json(coalesce(i.item,"
           "f.item_from+(t.task-f.base)*f.item_step))) ELSE o.input END AS "
           "input, out.output AS output, t.retries AS retry_count, "
           "o.max_retries AS max_retries, e.error AS last_error, o.handler AS "
           "handler, CASE WHEN t.parent>0 THEN t.task-f.base+1 END AS "
           "child_index, t.attempt AS attempt, t.lost AS lost_count, "
         + iso("CASE WHEN t.attempt>0 THEN t.started ELSE 0 END")
         + " AS started_at," + iso("d.at") + " AS not_before,"
         + iso("CASE WHEN t.state IN(4,6,7) THEN t.updated ELSE 0 END")
         + " AS settled_at FROM task_rows t JOIN origins o ON o.task="
           "CASE t.parent WHEN 0 THEN t.task ELSE t.parent END "
           "JOIN run_rows r ON r.run=o.run "
           "LEFT JOIN fanouts f ON f.task=t.parent "
           "LEFT JOIN items i ON i.task=t.task "
           "LEFT JOIN outputs out ON out.task=t.task "
           "LEFT JOIN errors e ON e.task=t.task "
           "LEFT JOIN due d ON d.task=t.task";
}

std::string events_view() {
  return "CREATE VIEW events AS SELECT s.seq+n.i AS seq," + base32("s.at", 10)
         + "||(SELECT value FROM settings WHERE name='event_mark')||"
         + base32("(s.seq+n.i)", 8)
         + " AS id, r.id AS run_id, CASE WHEN s.first>0 THEN o.id_prefix||"
         + base32("(s.first+n.i)", 8) + " END AS task_id, k.name AS name,"
         + iso("s.at")
         + " AS at, s.payload AS payload, s.hash AS hash "
           "FROM event_spans s JOIN offsets n ON n.i<s.count "
           "JOIN event_kinds k ON k.kind=s.kind "
           "LEFT JOIN run_rows r ON r.run=s.run "
           "LEFT JOIN task_rows t ON t.task=s.first "
           "LEFT JOIN origins o ON o.task="
           "CASE t.parent WHEN 0 THEN t.task ELSE t.parent END";
}

void fill_constants(database& db, std::uint64_t salt) {
  db.prepared("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n "
              "WHERE i<?-1) INSERT INTO offsets SELECT i FROM n")
    .run(max_span);
  auto& kind = db.prepared("INSERT INTO event_kinds VALUES(?,?)");
  for (int k = 1; k < 256; ++k) {
    const auto* name = to_string(static_cast<event_kind>(k));
    if (*name)
      kind.run(k, name);
  }
  const id_space ids{salt};
  auto& setting = db.prepared("INSERT INTO settings VALUES(?,?)");
  setting.run("salt", static_cast<std::int64_t>(salt));
  setting.run("event_mark", ids.text(id_kind::event, no_time, 0).substr(10, 8));
}

std::uint64_t random_salt() {
  std::random_device device;
  return ((std::uint64_t{device()} << 32) | device()) & 0x3FFFFFFFFF;
}

void create(database& db, std::uint64_t salt) {
  db.execute(tables);
  fill_constants(db, salt ? salt : random_salt());
  db.execute(runs_view());
  db.execute(tasks_view());
  db.execute(events_view());
}

/// What an engine counts of itself, for other programs to read; and what was
/// pruned, so that what is gone can be told from what is missing.
void add_reports_and_prunings(database& db, std::uint64_t) {
  db.execute(R"sql(
ALTER TABLE engine ADD COLUMN report TEXT NOT NULL DEFAULT '[]';
CREATE TABLE prunings(
  run INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL,
  state INTEGER NOT NULL, tasks INTEGER NOT NULL, events INTEGER NOT NULL,
  first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
  end_task INTEGER NOT NULL, chain INTEGER NOT NULL,
  at INTEGER NOT NULL) STRICT;
)sql");
}

} // namespace

int check_identity(database& db) {
  const auto application = db.number("PRAGMA application_id");
  const auto version = db.number("PRAGMA user_version");
  if (application == application_id && version > schema_version)
    throw store_error{{errc::too_new, db.path() + " has schema "
                                        + std::to_string(version)
                                        + ", this program knows up to "
                                        + std::to_string(schema_version)
                                        + "; use a newer orcon"},
                      true};
  if (application == application_id)
    return static_cast<int>(version);
  if (application != 0 || db.number("SELECT count(*) FROM sqlite_master") != 0)
    throw store_error{{errc::not_ours, db.path()
                                         + " is a database of another program; "
                                           "name another file with --db"},
                      true};
  return 0;
}

void migrate(database& db, std::uint64_t salt) {
  // Numbered, forward only; a step is never edited once released.
  using step = void (*)(database&, std::uint64_t);
  constexpr std::array<step, schema_version> steps{create,
                                                   add_reports_and_prunings};
  const auto from = check_identity(db);
  if (from == schema_version)
    return;
  db.execute("BEGIN IMMEDIATE");
  try {
    for (auto i = static_cast<std::size_t>(from); i < steps.size(); ++i)
      steps[i](db, salt);
    db.execute("PRAGMA application_id=" + std::to_string(application_id));
    db.execute("PRAGMA user_version=" + std::to_string(schema_version));
    db.execute("COMMIT");
  } catch (...) {
    sqlite3_exec(db.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
}

} // namespace conductor::sqlite
