#define CAF_SUITE store.verify

#include <conductor/admin.hpp>

#include <chrono>
#include <fstream>

#include "store/sqlite/connection/database.hpp"
#include "tests/store/sqlite/sqlite_file.hpp"
#include "tests/store/verify/verify_example.hpp"
#include "tests/store/workbench.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::folder;
using test::verify;
using test::workbench;

namespace {

/// One change to a database that is right otherwise, and what must be said of
/// it.
struct lie {
  const char* sql;
  const char* said;
};

constexpr lie lies_about_counts[] = {
  {"UPDATE parents SET succeeded=3,failed=0 WHERE task=2",
   R"(children of task "p" ()"},
  {"UPDATE parents SET succeeded=3,failed=0 WHERE task=2",
   "succeeded is 3, counted 2; failed is 0, counted 1"},
  {"UPDATE run_rows SET tasks=4 WHERE run=1", "tasks is 4, its events say 3"},
  {"UPDATE run_rows SET failed=1,succeeded=2 WHERE run=1",
   "succeeded is 2, counted 1; failed is 1, counted 2"},
  {"UPDATE run_rows SET retries=retries+1 WHERE run=1",
   "retries is 2, its events make it 1"},
  {"DELETE FROM segments WHERE first=5", R"("p#2" (01HF7YATZ8)"},
  {"DELETE FROM segments WHERE first=5", "2 of them are there"},
  {"DELETE FROM segments WHERE first=5", "has events, but is in no segment"},
  {"DELETE FROM segments WHERE first=1", "were submitted, but are in no"},
  {"UPDATE segments SET block=11 WHERE first=5",
   "is in a segment of another block"},
  {"UPDATE segments SET block=99 WHERE first=5",
   "is beyond the block that it names"},
  {"UPDATE segments SET count=2 WHERE first=4", "is there twice"},
  {"UPDATE segments SET count=9 WHERE first=6", "beyond their block"},
  {"UPDATE segments SET count=1000000000000 WHERE first=6",
   "beyond their block"},
  {"UPDATE blocks SET count=1000000000000 WHERE first=4", "overlaps the one"},
  {"UPDATE blocks SET count=2 WHERE first=4", "is beyond the block that it"},
  {"UPDATE blocks SET run=2 WHERE first=4", "is in no block of its run"},
  {"UPDATE blocks SET run=99 WHERE first=4", "is of no run"},
  {"UPDATE blocks SET parent=10 WHERE first=4",
   "is not that of the children of the task that it names"},
  {"UPDATE blocks SET prefix='x#' WHERE first=4", "names them 'x#'"},
  {"UPDATE blocks SET template=1 WHERE first=4", "their template is 1"},
  {"UPDATE blocks SET template=1 WHERE first=1", "names children, but holds"},
  {"DELETE FROM blocks WHERE first=4", "is beyond the block that it names"},
  {"UPDATE parents SET expanded=5 WHERE task=10", "out of their bounds"},
  {"UPDATE parents SET total=9223372036854775807 WHERE task=10",
   "out of their bounds"},
  {"UPDATE parents SET total=3 WHERE task=10",
   "4 keys were reserved for its children"},
  {"UPDATE parents SET run=2 WHERE task=2", "is no top-level task of its run"},
  {"UPDATE parents SET state=4 WHERE task=10",
   "is SUCCEEDED as a parent and PENDING as a task"},
  {"UPDATE parents SET state=4 WHERE task=10",
   "has ended, but not all of its children have"},
  {"UPDATE segments SET retries=9 WHERE first=5",
   "was retried 9 times, max_retries is 2"},
};

constexpr lie lies_about_paths[] = {
  {"UPDATE segments SET state=3,engine=1,attempt=5 WHERE first=4",
   "state is RUNNING, its events make it SUCCEEDED; "
   "attempt is 5, its events make it 1"},
  {"UPDATE segments SET retries=0 WHERE first=5", R"(task "p#2" (01HF7YATZ8)"},
  {"UPDATE segments SET retries=0 WHERE first=5",
   "retry_count is 0, its events make it 1"},
  {"UPDATE segments SET lost=0 WHERE first=3",
   "lost_count is 0, its events make it 1"},
  {"UPDATE segments SET lost=1 WHERE first=7",
   "lost_count is 1, its events make it 0"},
  {"UPDATE segments SET updated=updated-1 WHERE first=4", "updated_at is"},
  {"UPDATE segments SET created=created-1 WHERE first=5", "created_at is"},
  {"UPDATE segments SET started=started-1 WHERE first=9", "started_at is"},
  {"UPDATE segments SET started=updated WHERE first=4", "started_at is"},
  {"UPDATE run_rows SET state=4 WHERE run=1",
   "state is SUCCEEDED, its events make it FAILED"},
  {"UPDATE run_rows SET finished=created-1 WHERE run=1", "finished_at is"},
  {"UPDATE run_rows SET started=0 WHERE run=1", "started_at is none"},
  {"UPDATE run_rows SET updated=0 WHERE run=1", "updated_at is none"},
  {"UPDATE run_rows SET chain=chain+1 WHERE run=1",
   "does not end where the run says"},
  {"UPDATE run_rows SET name='other' WHERE run=1",
   "name is 'other', its events say 'run'"},
  {"UPDATE event_spans SET payload='{}' WHERE kind=1 AND run=1",
   "breaks at seq 1"},
  {"DELETE FROM event_spans WHERE seq=2", "from seq 2 to 2 are missing"},
  {"UPDATE event_spans SET count=1000000000000 WHERE seq=3", "that cannot be"},
  {"UPDATE event_spans SET first=9223372036854775807 WHERE seq=3",
   "that cannot be"},
  {"UPDATE event_spans SET run=99 WHERE seq=2",
   "the run with key 99 has events, but its row is missing"},
  {"UPDATE event_spans SET at=at+3600000 WHERE seq=5",
   "is before that of an earlier one"},
  {"DELETE FROM run_rows WHERE run=4", "the block from key 16 on is of no run"},
  {"DELETE FROM run_rows WHERE run=2", "neither there nor recorded as pruned"},
};

constexpr lie lies_about_texts[] = {
  {"UPDATE outputs SET output='{\"n\":' WHERE task=1",
   "is not JSON: '{\"n\":'"},
  {"UPDATE errors SET text='boom'", "last_error of task \"p#3\""},
  {"UPDATE errors SET text='boom'", "is not JSON"},
  {"INSERT INTO outputs VALUES(99,'1')", "output of the task with key 99"},
  {"INSERT INTO errors VALUES(99<<32,'{}')", "is of no run"},
  {"INSERT INTO outputs VALUES(16,'1')", "but no event tells of an attempt"},
  {"INSERT INTO outputs VALUES(14,'1')", "there is an output of task \"q#4\""},
  {"DELETE FROM outputs WHERE task=2", "output of task \"p\" ("},
  {"UPDATE outputs SET output='{\"x\":1}' WHERE task=2",
   "total is -1, its children are 3"},
  {"UPDATE outputs SET output=replace(output,'\"succeeded\":2',"
   "'\"succeeded\":3') WHERE task=2",
   "succeeded is 3, its children are 2"},
  {"DELETE FROM outputs WHERE task=5",
   "is missing, its parent collected '\"two\",null]}'"},
  {"UPDATE outputs SET output='{\"n\":7}' WHERE task=4",
   "is '{\"n\":7}', its parent collected '{\"n\":1},"},
  {"INSERT INTO outputs VALUES(6,'1')", "is '1', its parent collected 'null]"},
  {"UPDATE segments SET error=0 WHERE first=6", "last_error of task \"p#3\""},
  {"UPDATE segments SET error=77 WHERE first=6", "is one of another run"},
  {"DELETE FROM errors", "is missing; task.failed at seq"},
  {"UPDATE errors SET text=replace(text,'boom','bang')",
   "\"type\":\"bang\"}'; task.failed at seq "},
  {"UPDATE errors SET text=replace(text,'\"failed\":1','\"failed\":2')",
   "task.aggregated at seq"},
  {"UPDATE errors SET text=replace(text,'lease_expired','boom')",
   "says '\"lease_expired\"'"},
  {"UPDATE segments SET error=(1<<32)+1 WHERE first=4",
   "but no event tells of a failure"},
};

constexpr lie lies_about_work[] = {
  {"UPDATE segments SET engine=0 WHERE first=9", "leased by engine 0"},
  {"UPDATE segments SET engine=99 WHERE first=9",
   "leased by engine 99; there were engines 1 to 1"},
  {"UPDATE segments SET engine=1 WHERE first=4",
   "is SUCCEEDED and leased by engine 1"},
  {"UPDATE engine SET epoch=0", "there were engines 1 to 0"},
  {"UPDATE segments SET due=NULL WHERE first=7", "but no engine will find it"},
  {"UPDATE segments SET due=NULL WHERE first=12", "but no engine will find it"},
  {"UPDATE segments SET due=NULL WHERE first=8",
   "waits for a retry that is not scheduled"},
  {"UPDATE segments SET due=1 WHERE first=10", "is a parent, but could be"},
  {"UPDATE segments SET due=1 WHERE first=4", "but does not wait"},
  {"UPDATE segments SET due=due+1 WHERE first=7",
   "the time from which it is due is"},
  {"UPDATE segments SET due=due+3600000 WHERE first=8",
   "the time of its retry is"},
  {"UPDATE segments SET handler=handler+1 WHERE first=7", "has handler number"},
  {"UPDATE segments SET handler=1 WHERE first=10", "has handler number"},
  {"UPDATE parents SET max_concurrency=0 WHERE task=2",
   "max_concurrency is 0, its definition says 3"},
};

constexpr lie lies_about_definitions[] = {
  {"UPDATE handlers SET name='other'", "handler is 'other', it says 'work'"},
  {"UPDATE definitions SET name='other' WHERE name='a'",
   "name is 'other', it says 'a'"},
  {"UPDATE definitions SET name='other' WHERE name='a'",
   "name is 'other', its event says 'a'"},
  {"UPDATE definitions SET max_retries=5 WHERE name='p'",
   "max_retries is 5, it says 2"},
  {"UPDATE definitions SET input='{}' WHERE name='p'", "input is '{}', it"},
  {"UPDATE definitions SET child_input='{}' WHERE name='q'",
   "the input that its children share is '{}'"},
  {"UPDATE definitions SET spec='{}' WHERE name='a'", "cannot be read"},
  {"UPDATE definitions SET digest=1 WHERE name='a'", "digest is 1"},
  {"UPDATE definitions SET spec=replace(spec,'}',' }') WHERE name='a'",
   "spec is '{"},
  {"UPDATE templates SET run=2 WHERE task=1",
   "is of no top-level task of its run"},
  {"DELETE FROM templates WHERE task=1", "has no definition of its run"},
  {"INSERT INTO templates VALUES(5,1,1)", "is of no top-level task"},
  {"UPDATE parents SET item_from=2 WHERE task=10",
   "item_from is 2, its definition says 1"},
  {"UPDATE parents SET item_step=2 WHERE task=10",
   "item_step is 2, its definition says 1"},
  {"UPDATE parents SET expansion_error='x' WHERE task=10", "is not JSON: 'x'"},
  {"UPDATE parents SET expansion_error='{}' WHERE task=10",
   "but its expansion did not end early"},
  {"UPDATE parents SET expansion_error='{}',total=3 WHERE task=10",
   "but its expansion did not end early"},
  {"UPDATE parents SET expansion_error='{}' WHERE task=2",
   "but its expansion did not end early"},
  {"DELETE FROM parents WHERE task=10",
   "is not that of the children of the task that it names"},
  {"UPDATE parents SET items=0 WHERE task=2",
   "whether its items are a list is 0"},
  {"UPDATE parents SET items=7 WHERE task=10",
   "whether its items are a list is 1"},
  {"DELETE FROM item_blocks", "the list 1 of their items has 0"},
  {"UPDATE item_blocks SET texts='[1,2]'", "are to be 3, 2 are there"},
  {"UPDATE item_blocks SET texts='[1,2,x]'", "but are not a JSON array"},
  {"UPDATE item_blocks SET texts='[1,2,3'", "but are not a JSON array"},
  {"UPDATE item_blocks SET count=2,texts='[1,2]'", "of their items has 2"},
  {"UPDATE item_blocks SET item=item+1", "do not follow those before them"},
  {"INSERT INTO item_blocks VALUES((1<<32)+2,1,'[1]')",
   "do not follow those before them"},
};

constexpr lie lies_about_constants[] = {
  {"UPDATE run_rows SET created=created-1 WHERE run=1",
   "its key and created_at make it"},
  {"UPDATE run_rows SET id='x' WHERE run=1", "id is 'x', its key"},
  {"UPDATE run_rows SET meta='x' WHERE run=1", "meta of run \"run\" ("},
  {"UPDATE event_kinds SET name='task.done' WHERE kind=12",
   "event_kinds names kind 12 'task.done', its name is 'task.succeeded'"},
  {"DELETE FROM event_kinds WHERE kind=12", "names kind 12 ''"},
  {"INSERT INTO event_kinds VALUES(99,'x')", "this program does not know"},
  {"DELETE FROM offsets WHERE i=5", "the table offsets is not 0 to 1023"},
  {"UPDATE offsets SET digits='00' WHERE i=5", "the table offsets is not"},
  {"UPDATE settings SET value='X' WHERE name='event_mark'",
   "event_mark is 'X'"},
  {"DELETE FROM settings WHERE name='task_mark'", "task_mark is ''"},
  {"INSERT INTO settings VALUES('x',1)", "settings has 4 rows"},
  {"DELETE FROM engine", "row of the table engine"},
  {"UPDATE engine SET epoch=-1", "row of the table engine"},
  {"UPDATE run_rows SET first_task=2 WHERE run=1", "first_task is 2"},
  {"UPDATE blocks SET count=99 WHERE first=16", "its block has 99"},
  {"DELETE FROM prunings", "are neither there nor recorded as pruned"},
  {"UPDATE prunings SET state=3", "its state is RUNNING"},
  {"UPDATE prunings SET id='x'", "its id is not that of run 3"},
  {"UPDATE prunings SET tasks=2", "tasks is 2, the run before ends at 15"},
  {"UPDATE prunings SET events=99", "and 99 events from seq"},
  {"UPDATE prunings SET first_seq=first_seq-1", "is that of another run"},
  {"UPDATE prunings SET end_task=1", "end_task is 1"},
  {"UPDATE prunings SET run=2", "is there, and recorded as pruned"},
  {"UPDATE prunings SET name='x'", "its checksum does not match"},
  {"UPDATE prunings SET at=at+1", "its checksum does not match"},
  {"UPDATE prunings SET chain=chain+1", "its checksum does not match"},
};

constexpr lie lies_about_the_schema[] = {
  {"DROP VIEW tasks", "the view tasks is missing"},
  {"DROP INDEX segment_claimable", "the index segment_claimable is missing"},
  {"DROP INDEX span_by_run", "the index span_by_run is missing"},
  {"CREATE TABLE other(x)", "the table other is not one of this program's"},
  {"CREATE TRIGGER t AFTER INSERT ON outputs BEGIN DELETE FROM outputs; END",
   "the trigger t is not one of this program's"},
  {"DROP VIEW runs; CREATE VIEW runs AS SELECT 1",
   "the view runs is not as this program creates it"},
  {"DROP INDEX run_open; CREATE INDEX run_open ON run_rows(run)",
   "the index run_open is not as this program creates it"},
};

template <std::size_t N>
void check_all(const lie (&lies)[N]) {
  folder dir;
  const auto right = dir.next();
  test::write_example(right);
  CAF_CHECK_EQUAL(verify(right), "");
  for (const auto& l : lies) {
    const auto path = dir.next();
    std::filesystem::copy_file(right, path);
    CAF_CHECK_EQUAL(test::execute(path, l.sql), SQLITE_OK);
    const auto said = verify(path);
    if (said.find(l.said) == std::string::npos)
      CAF_ERROR(l.sql << " was to be answered with: " << l.said
                      << "; what was said: " << said);
    CAF_CHECK_NOT_EQUAL(said.find(l.said), std::string::npos);
  }
}

/// Gives back and retries a leaf again and again, at odd times; returns how
/// often.
int stop_and_retry(workbench& w, int rounds) {
  using enum task_state;
  std::int32_t attempt = 0, retries = 0;
  for (int i = 0; i < rounds; ++i) {
    w.now += milliseconds{i % 7 - 3}; // the clock is set back now and then
    auto lease = w.plan(0, {1, 1}, pending, attempt++, running);
    lease.events = {task_started(attempt)};
    auto end = w.plan(0, {1, 1}, running, attempt, retrying);
    auto again = w.plan(0, {1, 1}, retrying, attempt, pending);
    const auto failed = i % 3 == 0;
    end.delay = milliseconds{failed ? i % 5 : 0};
    end.budgeted = again.retried = failed;
    if (failed) {
      end.events = {task_failed(attempt, end.error, true)};
      again.events = {task_retried(++retries)};
    } else {
      end.error.clear();
      end.events = {task_lease_expired(attempt, 0, reason::stopped)};
      again.events = {task_retried_after_loss(retries, 0)};
    }
    w.apply_parts(lease);
    const auto due = w.apply_parts(end).at + end.delay;
    w.now = std::max(w.now, due);
    w.apply_parts(again);
  }
  return attempt;
}

} // namespace

CAF_TEST(counters and children and blocks are counted again) {
  check_all(lies_about_counts);
}

CAF_TEST(segments and runs are where their events lead) {
  check_all(lies_about_paths);
}

CAF_TEST(outputs and errors are what the rest says of them) {
  check_all(lies_about_texts);
}

CAF_TEST(what is RUNNING has an engine and what waits is found) {
  check_all(lies_about_work);
}

CAF_TEST(what was submitted is what its definition says) {
  check_all(lies_about_definitions);
}

CAF_TEST(ids and keys and names of events never change) {
  check_all(lies_about_constants);
}

CAF_TEST(the schema is the one that this program creates) {
  check_all(lies_about_the_schema);
}

CAF_TEST(stops and retries raise no false alarm) {
  folder dir;
  const auto path = dir.next();
  {
    workbench w{test::open(path)};
    auto task = test::leaf("again");
    task.spec.retry.max_retries = 1000;
    w.submit({task});
    w.apply_parts(start_of_run(1));
    CAF_CHECK_EQUAL(stop_and_retry(w, 300), 300);
  }
  CAF_CHECK_EQUAL(verify(path), "");
}

CAF_TEST(a retry before its time is found) {
  folder dir;
  const auto path = dir.next();
  {
    workbench w{test::open(path)};
    w.submit({test::leaf("hasty")});
    w.apply_parts(start_of_run(1));
    using enum task_state;
    auto lease = w.plan(0, {1, 1}, pending, 0, running);
    lease.events = {task_started(1)};
    auto end = w.plan(0, {1, 1}, running, 1, retrying);
    end.events = {task_failed(1, end.error, true)};
    end.budgeted = true;
    auto again = w.plan(0, {1, 1}, retrying, 1, pending);
    again.retried = true;
    again.events = {task_retried(1)};
    w.apply_parts(lease, end);
    w.now += end.delay - milliseconds{1};
    w.apply_parts(again);
  }
  CAF_CHECK_NOT_EQUAL(verify(path).find("before it was due"),
                      std::string::npos);
}

CAF_TEST(a large fan - out is verified in little time and memory) {
  folder dir;
  const auto path = dir.next();
  constexpr std::int64_t children = 300'000;
  {
    workbench w{test::open(path)};
    w.submit({test::parent("p", children)});
    w.apply_parts(start_of_run(1));
    w.expand(1, 1, children);
    for (std::int64_t done = 0; done < children; done += 30'000) {
      using enum task_state;
      auto lease = w.plan(1, {2 + done, 30'000}, pending, 0, running);
      lease.events = {task_started(1)};
      auto end = w.plan(1, {2 + done, 30'000}, running, 1, succeeded);
      end.events = {task_succeeded(1)};
      w.apply_parts(std::move(lease), std::move(end));
    }
  }
  const auto began = std::chrono::steady_clock::now();
  CAF_CHECK_EQUAL(verify(path), "");
  const std::chrono::duration<double> took
    = std::chrono::steady_clock::now() - began;
  CAF_MESSAGE("seconds: " << took.count());
  CAF_CHECK_LESS(took.count(), 3.0);
}

CAF_TEST(a damaged page is reported with all that check reports) {
  folder dir;
  const auto path = dir.next();
  test::write_example(path);
  const auto root = sqlite::database{path, SQLITE_OPEN_READONLY}.number(
    "SELECT rootpage FROM sqlite_schema WHERE name = 'outputs'");
  {
    // Where the cells of the page are.
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp((root - 1) * 4096 + 8);
    file << std::string(6, '\xFF');
  }
  const auto checked = check_database(path);
  CAF_REQUIRE(checked);
  CAF_CHECK_NOT_EQUAL(*checked, "");
  CAF_CHECK_NOT_EQUAL(verify(path).find("file "), std::string::npos);
}
