/* Floors under the engine: what the machine and SQLite alone need, in one
 * thread and without any engine. WAL, synchronous=FULL, 1000 tasks a
 * transaction.
 *
 *   floor tasks N FILE     the rows of a fan-out of N: one insert, two updates
 *                          and three events a task; text ids, states and times
 *   floor payload N FILE   4 KiB of input and 4 KiB of output a task
 *   floor sync N FILE      N times 4 KiB written behind each other and synced
 *
 * build: cc -O2 floor.c -o floor -lsqlite3 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { tasks_a_commit = 1000, text_bytes = 4096 };

static sqlite3* db;

static void must(int good, const char* doing) {
  if (!good) {
    fprintf(stderr, "floor: %s: %s\n", doing,
            db ? sqlite3_errmsg(db) : "failed");
    exit(1);
  }
}

static void run(const char* sql) {
  must(sqlite3_exec(db, sql, 0, 0, 0) == SQLITE_OK, sql);
}

static sqlite3_stmt* prepare(const char* sql) {
  sqlite3_stmt* s = 0;
  must(sqlite3_prepare_v2(db, sql, -1, &s, 0) == SQLITE_OK, sql);
  return s;
}

static void step(sqlite3_stmt* s) {
  must(sqlite3_step(s) == SQLITE_DONE, "step");
  sqlite3_reset(s);
}

static void step_texts(sqlite3_stmt* s, const char* const* values, int n) {
  for (int i = 0; i < n; i++)
    sqlite3_bind_text(s, i + 1, values[i], -1, SQLITE_STATIC);
  step(s);
}

static void open_database(const char* file, const char* schema) {
  unlink(file);
  must(sqlite3_open(file, &db) == SQLITE_OK, "open");
  run("pragma journal_mode=wal; pragma synchronous=full;"
      "pragma cache_size=-65536; pragma wal_autocheckpoint=8000");
  run(schema);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Calls `one` for each task of each phase, in transactions. */
static void in_phases(int phases, long n, void (*one)(int phase, long i)) {
  for (int phase = 0; phase < phases; phase++)
    for (long at = 0; at < n; at += tasks_a_commit) {
      run("begin immediate");
      for (long i = at; i < n && i < at + tasks_a_commit; i++)
        one(phase, i);
      run("commit");
    }
}

/* -- tasks ----------------------------------------------------------------- */

static sqlite3_stmt *insert_task, *update_task, *insert_event;

/* One task in one phase: 0 created, 1 started, 2 succeeded. */
static void one_task(int phase, long i) {
  static const char* const names[] = {"task.created", "task.started",
                                      "task.succeeded"};
  static const char* const states[] = {"PENDING", "RUNNING", "SUCCEEDED"};
  const char* run_id = "01JD0000000000000000000000";
  const char* now = "2026-01-01T00:00:00.000Z";
  char id[40], event[40], name[40];
  snprintf(id, sizeof id, "01JT%022ld", i);
  snprintf(event, sizeof event, "01JE%d%021ld", phase, i);
  snprintf(name, sizeof name, "parent#%ld", i + 1);
  if (phase == 0)
    step_texts(insert_task,
               (const char*[]){id, run_id, run_id, name, states[0], now, now,
                               "{\"index\":1}"},
               8);
  else
    step_texts(update_task, (const char*[]){states[phase], now, id}, 3);
  step_texts(insert_event,
             (const char*[]){event, run_id, id, names[phase], now, "{}"}, 6);
}

static void tasks(long n, const char* file) {
  open_database(
      file,
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
  in_phases(3, n, one_task);
}

/* -- payload --------------------------------------------------------------- */

static sqlite3_stmt* insert_text[2];

/* Phase 0: the input; phase 1: the output. */
static void one_payload(int phase, long i) {
  char text[text_bytes + 1];
  memset(text, 'x', text_bytes);
  text[text_bytes] = 0;
  text[snprintf(text, sizeof text, "%ld", i)] = ' ';
  sqlite3_bind_int64(insert_text[phase], 1, i);
  sqlite3_bind_text(insert_text[phase], 2, text, text_bytes, SQLITE_STATIC);
  step(insert_text[phase]);
}

static void payload(long n, const char* file) {
  open_database(file,
                "create table inputs(task integer primary key, input text);"
                "create table outputs(task integer primary key, output text)");
  insert_text[0] = prepare("insert into inputs values(?,?)");
  insert_text[1] = prepare("insert into outputs values(?,?)");
  in_phases(2, n, one_payload);
}

/* -- sync ------------------------------------------------------------------ */

static void syncs(long n, const char* file) {
  char page[4096] = {0};
  const int fd = open(file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  must(fd >= 0, "open");
  for (long i = 0; i < n; i++)
    must(write(fd, page, sizeof page) == sizeof page && fdatasync(fd) == 0,
         "write");
  close(fd);
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(long n, const char* file);
  } floors[] = {{"tasks", tasks}, {"payload", payload}, {"sync", syncs}};
  if (argc != 4) {
    fprintf(stderr, "usage: floor tasks|payload|sync N FILE\n");
    return 2;
  }
  const long n = atol(argv[2]);
  for (int i = 0; i < 3; i++) {
    if (strcmp(argv[1], floors[i].name) != 0)
      continue;
    const double begin = seconds();
    floors[i].run(n, argv[3]);
    const double s = seconds() - begin;
    printf("{\"floor\":\"%s\",\"tasks\":%ld,\"seconds\":%.3f,"
           "\"tasks_per_second\":%.0f,\"us_per_task\":%.3f}\n",
           argv[1], n, s, (double)n / s, s * 1e6 / (double)n);
    return 0;
  }
  fprintf(stderr, "floor: there is no floor \"%s\"\n", argv[1]);
  return 2;
}
