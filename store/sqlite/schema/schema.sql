-- The schema of an Origin Conductor database, version 1.
--
-- People query the views `runs`, `tasks` and `events` at the end of this file.
-- The tables below are the store's own affair. Integers that are times are
-- milliseconds since 1970 in UTC; 0 means none.
--
-- States: 2 PENDING, 3 RUNNING, 4 SUCCEEDED, 5 FAILED with a retry to come,
-- 6 FAILED, 7 CANCELLED.

CREATE TABLE settings(name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

-- The engine that works on this database, or was the last to.
CREATE TABLE engine(
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  epoch      INTEGER NOT NULL, -- openings so far; marks leases
  commits    INTEGER NOT NULL, -- proves whether a commit in doubt happened
  clean      INTEGER NOT NULL CHECK (clean IN (0, 1)), -- closed in good order
  pid        INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  report     TEXT NOT NULL,    -- JSON
  paused     INTEGER NOT NULL CHECK (paused IN (0, 1)) -- new runs are, too
) STRICT;
INSERT INTO engine VALUES (1, 0, 0, 1, 0, 0, '[]', 0);

CREATE TABLE run_rows(
  run             INTEGER PRIMARY KEY,
  id              TEXT NOT NULL,
  state           INTEGER NOT NULL CHECK (state IN (2, 3, 4, 6, 7)),
  created         INTEGER NOT NULL,
  updated         INTEGER NOT NULL,
  started         INTEGER NOT NULL,
  finished        INTEGER NOT NULL,
  first_task      INTEGER NOT NULL, -- top-level tasks are consecutive
  tasks           INTEGER NOT NULL,
  succeeded       INTEGER NOT NULL, -- of the top-level tasks
  failed          INTEGER NOT NULL,
  cancelled       INTEGER NOT NULL,
  retries         INTEGER NOT NULL, -- scheduled in the whole run
  budget_count    INTEGER NOT NULL, -- of retries; negative = no bound
  budget_percent  REAL NOT NULL,
  chain           INTEGER NOT NULL, -- newest hash of the run's events
  skipped         INTEGER NOT NULL, -- of `cancelled`: condition not met
  priority        INTEGER NOT NULL CHECK (priority BETWEEN 1 AND 5),
  paused          INTEGER NOT NULL CHECK (paused IN (0, 1)),
  fence           INTEGER NOT NULL CHECK (fence BETWEEN 0 AND 2), -- 1 cancel,
  deadline        INTEGER NOT NULL, -- 2 deadline
  deadline_delay  INTEGER NOT NULL, -- from the submission, if given so
  name            TEXT NOT NULL,
  meta            TEXT NOT NULL,
  idempotency_key TEXT
) STRICT;
CREATE UNIQUE INDEX run_by_key ON run_rows(idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE INDEX run_open ON run_rows(run) WHERE state IN (2, 3);
CREATE INDEX run_deadline ON run_rows(deadline)
  WHERE deadline > 0 AND fence = 0 AND state IN (2, 3);

CREATE TABLE handlers(
  handler INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE
) STRICT;

-- What tasks were submitted as. Runs that submit the same share a row.
CREATE TABLE definitions(
  definition  INTEGER PRIMARY KEY,
  digest      INTEGER NOT NULL, -- of `spec`
  handler     INTEGER NOT NULL REFERENCES handlers,
  max_retries INTEGER NOT NULL,
  name        TEXT NOT NULL,
  input       TEXT NOT NULL,
  child_input TEXT,             -- what the children share; NULL for a leaf
  spec        TEXT NOT NULL
) STRICT;
CREATE INDEX definition_by_digest ON definitions(digest);

-- Top-level tasks and their definitions.
CREATE TABLE templates(
  task       INTEGER PRIMARY KEY,
  run        INTEGER NOT NULL,
  definition INTEGER NOT NULL
) STRICT;

-- Which top-level task waits for which other: until it has settled, and as
-- `wanted` says: 0 succeeded, 1 in any state, 2 failed.
CREATE TABLE dependencies(
  task      INTEGER NOT NULL,
  dependent INTEGER NOT NULL,
  wanted    INTEGER NOT NULL CHECK (wanted BETWEEN 0 AND 2),
  PRIMARY KEY (task, dependent)
) STRICT, WITHOUT ROWID;
CREATE INDEX dependency_by_dependent ON dependencies(dependent);

-- Top-level tasks that wait, or have waited, for other tasks or a time. A leaf
-- that waits is PENDING and has no `due`; a parent is not `ready`.
CREATE TABLE waiting(
  task       INTEGER PRIMARY KEY,
  left       INTEGER NOT NULL CHECK (left >= 0), -- tasks, and its time
  not_before INTEGER NOT NULL,
  held       INTEGER NOT NULL CHECK (held IN (0, 1)), -- its time is to come
  skipped    INTEGER NOT NULL CHECK (skipped IN (0, 1)) -- condition not met
) STRICT;
CREATE INDEX waiting_by_time ON waiting(not_before, task) WHERE held = 1;

-- Consecutive keys: the top-level tasks of a run, or the children of a parent
-- (child i has the key first + i - 1). The primary key of `segments` is thus
-- the guarantee of "exactly N", and a child's index, name and id are
-- arithmetic.
CREATE TABLE blocks(
  first    INTEGER PRIMARY KEY,
  count    INTEGER NOT NULL CHECK (count >= 0), -- keys reserved
  run      INTEGER NOT NULL,
  parent   INTEGER NOT NULL,  -- 0: top-level tasks
  template INTEGER NOT NULL,  -- of the children; 0: each task has its own
  prefix   TEXT NOT NULL      -- what the names of children begin with
) STRICT;
CREATE INDEX block_by_run ON blocks(run);

-- Tasks: consecutive ones whose columns are equal share a row, at most 1,024.
-- A RUNNING segment is a lease of the engine with that epoch.
CREATE TABLE segments(
  first   INTEGER PRIMARY KEY,
  count   INTEGER NOT NULL CHECK (count BETWEEN 1 AND 1024),
  block   INTEGER NOT NULL,
  handler INTEGER NOT NULL,
  state   INTEGER NOT NULL CHECK (state BETWEEN 2 AND 7),
  attempt INTEGER NOT NULL, -- leases taken so far
  retries INTEGER NOT NULL,
  lost    INTEGER NOT NULL,
  engine  INTEGER NOT NULL CHECK ((engine <> 0) = (state = 3)),
  error   INTEGER NOT NULL, -- key in `errors`; 0 = none
  -- When they may be leased, or are retried. NULL: parents, tasks that wait for
  -- others or for a time, and states that do not wait.
  due     INTEGER CHECK (due IS NULL OR state IN (2, 5)),
  created INTEGER NOT NULL,
  started INTEGER NOT NULL, -- of the newest attempt; meaningless without one
  updated INTEGER NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 5) -- 0: the run's
) STRICT;
CREATE INDEX segment_claimable ON segments(handler, block, priority, first)
  WHERE state = 2 AND due IS NOT NULL;
CREATE INDEX segment_running ON segments(engine, first) WHERE state = 3;
CREATE INDEX segment_retrying ON segments(due, first) WHERE state = 5;

-- Progress of the tasks that have children.
CREATE TABLE parents(
  task            INTEGER PRIMARY KEY,
  run             INTEGER NOT NULL,
  state           INTEGER NOT NULL CHECK (state IN (2, 3, 4, 6, 7)),
  block           INTEGER NOT NULL, -- its children's
  total           INTEGER NOT NULL CHECK (total >= 0),
  expanded        INTEGER NOT NULL CHECK (expanded BETWEEN 0 AND total),
  running         INTEGER NOT NULL, -- children in each state; the others are
  retrying        INTEGER NOT NULL, -- PENDING or not created yet
  succeeded       INTEGER NOT NULL,
  failed          INTEGER NOT NULL,
  cancelled       INTEGER NOT NULL,
  max_concurrency INTEGER NOT NULL, -- 0 = no bound
  items           INTEGER NOT NULL, -- list; 0 = derived from these two
  item_from       INTEGER NOT NULL,
  item_step       INTEGER NOT NULL,
  expansion_error TEXT NOT NULL,    -- JSON; '' = none
  ready           INTEGER NOT NULL CHECK (ready IN (0, 1)),
  fence           INTEGER NOT NULL CHECK (fence BETWEEN 0 AND 2),
  priority        INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 5) -- children's
) STRICT;
CREATE INDEX parent_by_run ON parents(run);
CREATE INDEX parent_open ON parents(task) WHERE state = 2;
CREATE INDEX parent_by_items ON parents(items) WHERE items > 0;

-- Items of children. Item i (from 0) of a list has the key list << 32 | i; a
-- row holds up to 1,024 of them as a JSON array.
CREATE TABLE item_blocks(
  item  INTEGER PRIMARY KEY, -- key of the first
  count INTEGER NOT NULL CHECK (count BETWEEN 1 AND 1024),
  texts TEXT NOT NULL
) STRICT;

CREATE TABLE outputs(task INTEGER PRIMARY KEY, output TEXT NOT NULL) STRICT;

-- Last errors. Those of a run have the keys run << 32 | n, n = 1, 2, …; tasks
-- that failed alike share a row.
CREATE TABLE errors(error INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

-- Events of consecutive tasks that have everything but task and seq in common.
-- `hash` chains the spans of a run.
CREATE TABLE event_spans(
  seq     INTEGER PRIMARY KEY, -- of the first
  run     INTEGER NOT NULL,    -- 0: of no run
  first   INTEGER NOT NULL,    -- task; 0: of the run
  count   INTEGER NOT NULL CHECK (count BETWEEN 1 AND 1024),
  kind    INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  payload TEXT NOT NULL,
  hash    INTEGER NOT NULL
) STRICT;
CREATE INDEX span_by_run ON event_spans(run);
CREATE INDEX span_by_task ON event_spans(first) WHERE first > 0;

-- Runs that were deleted, so that what is gone can be told from what is lost.
CREATE TABLE prunings(
  run       INTEGER PRIMARY KEY,
  id        TEXT NOT NULL,
  name      TEXT NOT NULL,
  state     INTEGER NOT NULL,
  tasks     INTEGER NOT NULL,
  events    INTEGER NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq  INTEGER NOT NULL,
  end_task  INTEGER NOT NULL, -- keys below it are not given out again
  chain     INTEGER NOT NULL, -- checksum of this row
  at        INTEGER NOT NULL
) STRICT;

-- Constants, filled in by the program: the names of event kinds, and the
-- numbers 0 … 1023 with their two digits in Crockford's base 32.
CREATE TABLE event_kinds(kind INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE offsets(i INTEGER PRIMARY KEY, digits TEXT NOT NULL) STRICT;

-- What people query ----------------------------------------------------------

CREATE VIEW runs AS
SELECT id,
  strftime('%Y-%m-%dT%H:%M:%fZ', created / 1000.0, 'unixepoch') AS created_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', updated / 1000.0, 'unixepoch') AS updated_at,
  CASE state WHEN 2 THEN 'PENDING' WHEN 3 THEN 'RUNNING' WHEN 4 THEN 'SUCCEEDED'
    WHEN 7 THEN 'CANCELLED' ELSE 'FAILED' END AS state,
  meta,
  name,
  CASE WHEN started > 0 THEN
    strftime('%Y-%m-%dT%H:%M:%fZ', started / 1000.0, 'unixepoch')
    END AS started_at,
  CASE WHEN finished > 0 THEN
    strftime('%Y-%m-%dT%H:%M:%fZ', finished / 1000.0, 'unixepoch')
    END AS finished_at,
  tasks,
  retries,
  idempotency_key,
  priority,
  paused,
  CASE WHEN deadline > 0 THEN
    strftime('%Y-%m-%dT%H:%M:%fZ', deadline / 1000.0, 'unixepoch')
    END AS deadline
FROM run_rows;

-- Every task with its keys: what the views below have in common.
CREATE VIEW task_keys AS
SELECT s.first + n.i AS task,
  b.run AS run,
  b.parent AS parent,
  CASE WHEN b.parent > 0 THEN s.first + n.i - b.first + 1 END AS child_index,
  CASE WHEN b.template > 0 THEN b.template ELSE s.first + n.i END AS template,
  b.prefix AS prefix,
  s.*
FROM segments s JOIN offsets n ON n.i < s.count JOIN blocks b ON b.first = s.block;

CREATE VIEW tasks AS
SELECT
  substr(r.id, 1, 10) || m.value
    || (SELECT digits FROM offsets WHERE i = k.task >> 30 & 1023)
    || (SELECT digits FROM offsets WHERE i = k.task >> 20 & 1023)
    || (SELECT digits FROM offsets WHERE i = k.task >> 10 & 1023)
    || (SELECT digits FROM offsets WHERE i = k.task & 1023) AS id,
  r.id AS run_id,
  CASE WHEN k.parent > 0 THEN substr(r.id, 1, 10) || m.value
    || (SELECT digits FROM offsets WHERE i = k.parent >> 30 & 1023)
    || (SELECT digits FROM offsets WHERE i = k.parent >> 20 & 1023)
    || (SELECT digits FROM offsets WHERE i = k.parent >> 10 & 1023)
    || (SELECT digits FROM offsets WHERE i = k.parent & 1023)
    END AS parent_task_id,
  CASE WHEN k.parent > 0 THEN k.prefix || k.child_index ELSE d.name END AS name,
  CASE k.state WHEN 2 THEN 'PENDING' WHEN 3 THEN 'RUNNING'
    WHEN 4 THEN 'SUCCEEDED' WHEN 7 THEN 'CANCELLED' ELSE 'FAILED' END AS state,
  strftime('%Y-%m-%dT%H:%M:%fZ', k.created / 1000.0, 'unixepoch') AS created_at,
  strftime('%Y-%m-%dT%H:%M:%fZ', k.updated / 1000.0, 'unixepoch') AS updated_at,
  CASE WHEN k.parent = 0 THEN d.input ELSE
    json_set(d.child_input, '$.index', k.child_index, '$.item', json(CASE
      WHEN p.items = 0 THEN p.item_from + (k.child_index - 1) * p.item_step
      ELSE (SELECT x.texts -> ('$[' || ((p.items << 32) + k.child_index - 1
              - x.item) || ']')
            FROM item_blocks x
            WHERE x.item <= (p.items << 32) + k.child_index - 1
            ORDER BY x.item DESC LIMIT 1)
      END))
    END AS input,
  o.output AS output,
  k.retries AS retry_count,
  d.max_retries AS max_retries,
  e.text AS last_error,
  h.name AS handler,
  k.child_index AS child_index,
  k.attempt AS attempt,
  k.lost AS lost_count,
  CASE WHEN k.attempt > 0 THEN
    strftime('%Y-%m-%dT%H:%M:%fZ', k.started / 1000.0, 'unixepoch')
    END AS started_at,
  CASE WHEN k.state IN (2, 5) AND k.due > k.created THEN
    strftime('%Y-%m-%dT%H:%M:%fZ', k.due / 1000.0, 'unixepoch')
    WHEN w.not_before > 0 THEN
    strftime('%Y-%m-%dT%H:%M:%fZ', w.not_before / 1000.0, 'unixepoch')
    END AS not_before,
  CASE WHEN k.state IN (4, 6, 7) THEN
    strftime('%Y-%m-%dT%H:%M:%fZ', k.updated / 1000.0, 'unixepoch')
    END AS settled_at
FROM task_keys k
JOIN run_rows r ON r.run = k.run
JOIN settings m ON m.name = 'task_mark'
JOIN templates t ON t.task = k.template
JOIN definitions d ON d.definition = t.definition
JOIN handlers h ON h.handler = d.handler
LEFT JOIN parents p ON p.task = k.parent
LEFT JOIN outputs o ON o.task = k.task
LEFT JOIN errors e ON e.error = k.error
LEFT JOIN waiting w ON w.task = k.task;

CREATE VIEW events AS
SELECT s.seq + n.i AS seq,
  (SELECT digits FROM offsets WHERE i = s.at >> 40 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.at >> 30 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.at >> 20 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.at >> 10 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.at & 1023)
    || (SELECT value FROM settings WHERE name = 'event_mark')
    || (SELECT digits FROM offsets WHERE i = s.seq + n.i >> 30 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.seq + n.i >> 20 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.seq + n.i >> 10 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.seq + n.i & 1023) AS id,
  r.id AS run_id,
  CASE WHEN s.first > 0 THEN substr(r.id, 1, 10)
    || (SELECT value FROM settings WHERE name = 'task_mark')
    || (SELECT digits FROM offsets WHERE i = s.first + n.i >> 30 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.first + n.i >> 20 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.first + n.i >> 10 & 1023)
    || (SELECT digits FROM offsets WHERE i = s.first + n.i & 1023)
    END AS task_id,
  k.name AS name,
  strftime('%Y-%m-%dT%H:%M:%fZ', s.at / 1000.0, 'unixepoch') AS at,
  s.payload AS payload,
  s.hash AS hash
FROM event_spans s
JOIN offsets n ON n.i < s.count
JOIN event_kinds k ON k.kind = s.kind
LEFT JOIN run_rows r ON r.run = s.run;
