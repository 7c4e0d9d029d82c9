/* The floor under a durable fan-out: what SQLite alone needs, in one thread and
 * without any engine, for the rows that N tasks leave behind: one insert, two
 * updates and three events a task, in transactions of 1000 tasks; WAL,
 * synchronous=FULL, text ids, states and times.
 *
 * build: cc -O2 floor.c -o floor -lsqlite3      usage: floor N [FILE] */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { tasks_a_commit = 1000 };

static sqlite3 *db;
static sqlite3_stmt *insert_task, *update_task, *insert_event;

static void must(int good, const char *doing) {
  if (!good) {
    fprintf(stderr, "floor: %s: %s\n", doing, sqlite3_errmsg(db));
    exit(1);
  }
}

static void run(const char *sql) {
  must(sqlite3_exec(db, sql, 0, 0, 0) == SQLITE_OK, sql);
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *s = 0;
  must(sqlite3_prepare_v2(db, sql, -1, &s, 0) == SQLITE_OK, sql);
  return s;
}

static void step(sqlite3_stmt *s, const char *const *values, int n) {
  for (int i = 0; i < n; i++)
    sqlite3_bind_text(s, i + 1, values[i], -1, SQLITE_STATIC);
  must(sqlite3_step(s) == SQLITE_DONE, "step");
  sqlite3_reset(s);
}

/* One task in one phase: 0 created, 1 started, 2 succeeded. */
static void one(int phase, long i) {
  static const char *const names[]
    = {"task.created", "task.started", "task.succeeded"};
  static const char *const states[] = {"PENDING", "RUNNING", "SUCCEEDED"};
  const char *run_id = "01JD0000000000000000000000";
  const char *now = "2026-01-01T00:00:00.000Z";
  char id[40], event[40], name[40];
  snprintf(id, sizeof id, "01JT%022ld", i);
  snprintf(event, sizeof event, "01JE%d%021ld", phase, i);
  snprintf(name, sizeof name, "parent#%ld", i + 1);
  if (phase == 0)
    step(insert_task,
         (const char *[]){id, run_id, run_id, name, states[0], now, now,
                          "{\"index\":1}"}, 8);
  else
    step(update_task, (const char *[]){states[phase], now, id}, 3);
  step(insert_event,
       (const char *[]){event, run_id, id, names[phase], now, "{}"}, 6);
}

int main(int argc, char **argv) {
  const long n = argc > 1 ? atol(argv[1]) : 100000;
  const char *file = argc > 2 ? argv[2] : "floor.db";
  unlink(file);
  must(sqlite3_open(file, &db) == SQLITE_OK, "open");
  run("pragma journal_mode=wal; pragma synchronous=full;"
      "pragma cache_size=-65536; pragma wal_autocheckpoint=8000;"
      "create table tasks(id text primary key, run_id text, parent_task_id "
      "text, name text, state text, created_at text, updated_at text, input "
      "text, output text, retry_count int default 0, max_retries int default "
      "3, last_error text) without rowid;"
      "create table events(seq integer primary key, id text, run_id text, "
      "task_id text, name text, at text, payload text);"
      "create index task_state on tasks(run_id, state);"
      "create index event_run on events(run_id)");
  insert_task = prepare(
    "insert into tasks(id, run_id, parent_task_id, name, state, created_at, "
    "updated_at, input) values(?,?,?,?,?,?,?,?)");
  update_task = prepare("update tasks set state=?, updated_at=? where id=?");
  insert_event = prepare("insert into events(id, run_id, task_id, name, at, "
                         "payload) values(?,?,?,?,?,?)");
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int phase = 0; phase < 3; phase++)
    for (long at = 0; at < n; at += tasks_a_commit) {
      run("begin immediate");
      for (long i = at; i < n && i < at + tasks_a_commit; i++)
        one(phase, i);
      run("commit");
    }
  clock_gettime(CLOCK_MONOTONIC, &b);
  const double s = (double)(b.tv_sec - a.tv_sec)
                   + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
  printf("{\"floor\":\"seed\",\"tasks\":%ld,\"seconds\":%.3f,"
         "\"tasks_per_second\":%.0f}\n", n, s, (double)n / s);
  return 0;
}
