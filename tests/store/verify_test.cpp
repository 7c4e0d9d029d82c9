#define CAF_SUITE store.verify

#include <conductor/verify.hpp>

#include <fstream>

#include <conductor/care.hpp>

#include "store/sqlite/connection/database.hpp"
#include "tests/store/sqlite_file.hpp"
#include "tests/store/verify_example.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::folder;
using test::verify;

namespace {

/// One lie in a database that is in order otherwise, and what is to be said of
/// it.
struct lie {
  const char* sql;
  const char* said;
};

constexpr lie lies_about_counts[] = {
  {"UPDATE fanouts SET succeeded=3,failed=0 WHERE task=2",
   R"(children of task "p" ()"},
  {"UPDATE fanouts SET succeeded=3,failed=0 WHERE task=2",
   "succeeded is 3, counted 2; failed is 0, counted 1"},
  {"UPDATE run_rows SET tasks=4 WHERE run=1", "tasks is 4, counted 3"},
  {"UPDATE run_rows SET failed=1,succeeded=2 WHERE run=1",
   "succeeded is 2, counted 1; failed is 1, counted 2"},
  {"UPDATE run_rows SET retries=retries+1 WHERE run=1",
   "retries is 2, its events make it 1"},
  {"DELETE FROM task_rows WHERE task=5", R"("p" (01HF7YAT0)"},
  {"DELETE FROM task_rows WHERE task=5", "2 of them are there"},
  {"DELETE FROM task_rows WHERE task=1", "has no row as a top-level task"},
  {"UPDATE task_rows SET parent=10 WHERE task=5",
   "is no child of the task that its row names"},
  {"UPDATE fanouts SET claimed=5 WHERE task=10",
   "has a cursor that is out of its bounds"},
  {"UPDATE task_rows SET retries=9 WHERE task=5",
   "was retried 9 times, max_retries is 2"},
};

constexpr lie lies_about_paths[] = {
  {"UPDATE task_rows SET state=3,attempt=5 WHERE task=4",
   "state is RUNNING, its events make it SUCCEEDED; "
   "attempt is 5, its events make it 1"},
  {"UPDATE task_rows SET retries=0 WHERE task=5", R"(task "p#2" (01HF7YAT0)"},
  {"UPDATE task_rows SET retries=0 WHERE task=5",
   "retry_count is 0, its events make it 1"},
  {"UPDATE task_rows SET lost=0 WHERE task=3",
   "lost_count is 0, its events make it 1"},
  {"UPDATE task_rows SET updated=updated-1 WHERE task=4", "updated_at is"},
  {"UPDATE task_rows SET created=created-1 WHERE task=5", "created_at is"},
  {"UPDATE task_rows SET started=started-1 WHERE task=9",
   "has a started_at that is not"},
  {"UPDATE run_rows SET state=4 WHERE run=1",
   "state is SUCCEEDED, its events make it FAILED"},
  {"UPDATE run_rows SET finished=created-1 WHERE run=1", "finished_at is"},
  {"UPDATE run_rows SET started=0 WHERE run=1", "started_at is none"},
  {"UPDATE run_rows SET updated=0 WHERE run=1", "updated_at is none"},
  {"UPDATE run_rows SET chain=chain+1 WHERE run=1",
   "does not end where the run says"},
  {"UPDATE run_rows SET name='other' WHERE run=1", "another name than other"},
  {"UPDATE event_spans SET payload='{}' WHERE seq=1", "breaks at seq 1"},
  {"DELETE FROM event_spans WHERE seq=2", "from seq 2 to 2 are missing"},
};

constexpr lie lies_about_texts[] = {
  {"UPDATE outputs SET output='{\"n\":' WHERE task=1",
   "is not JSON: '{\"n\":'"},
  {"UPDATE items SET item='x' WHERE task=4", "input item of task \"p#1\""},
  {"UPDATE errors SET error='boom' WHERE task=6", "last_error of task \"p#3\""},
  {"INSERT INTO outputs VALUES(99,'1')", "output of the task with key 99"},
  {"INSERT INTO items VALUES(99,'1')", "input item of the task with key 99"},
  {"INSERT INTO errors VALUES(99,'{}')", "last_error of the task with key 99"},
  {"INSERT INTO outputs VALUES(7,'1')", "but no event tells of an attempt"},
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
  {"DELETE FROM errors WHERE task=6", "last_error of task \"p#3\""},
  {"UPDATE errors SET error=replace(error,'boom','bang') WHERE task=6",
   "\"type\":\"bang\"}'; task.failed at seq "},
  {"UPDATE errors SET error=replace(error,'\"failed\":1','\"failed\":2') WHERE "
   "task=2",
   "task.aggregated at seq"},
  {"UPDATE errors SET error='{\"type\":\"boom\"}' WHERE task=3",
   "says '\"lease_expired\"'"},
  {"INSERT INTO errors VALUES(4,'{}')", "but no event tells of a failure"},
};

constexpr lie lies_about_work[] = {
  {"DELETE FROM leases WHERE first=9", "task \"busy\" ("},
  {"DELETE FROM leases WHERE first=9", "is RUNNING, but no lease covers it"},
  {"UPDATE leases SET first=8 WHERE first=9", "no lease covers it"},
  {"INSERT INTO leases VALUES(4,3,0,1)",
   "covers no RUNNING task, and no engine is at work"},
  {"UPDATE leases SET epoch=99", "is of no engine that there was"},
  {"DELETE FROM due WHERE task=7", "but no engine will find it"},
  {"DELETE FROM due WHERE task=12", "but no engine will find it"},
  {"UPDATE fanouts SET claimed=3 WHERE task=10", "but no engine will find it"},
  {"DELETE FROM due WHERE task=8", "waits for a retry that is not scheduled"},
  {"UPDATE due SET state=2 WHERE task=8",
   "is in `due` as PENDING, but is FAILED (a retry follows)"},
  {"INSERT INTO due VALUES(10,0,2)", "as if it were to be leased"},
  {"UPDATE due SET at=at+1 WHERE task=7", "is to be worked on from"},
  {"UPDATE due SET at=at+3600000 WHERE task=8", "its events say"},
};

constexpr lie lies_about_definitions[] = {
  {"UPDATE origins SET handler='other' WHERE task=1",
   "handler is 'other', its definition says 'work'"},
  {"UPDATE origins SET name='other' WHERE task=1",
   "name is 'other', its definition says 'a'"},
  {"UPDATE origins SET max_retries=5 WHERE task=2",
   "max_retries is 5, its definition says 2"},
  {"UPDATE origins SET input='{}' WHERE task=2",
   "input is '{}', its definition"},
  {"UPDATE origins SET child_input='{}' WHERE task=2",
   "the input that its children share is '{}'"},
  {"UPDATE origins SET spec='{}' WHERE task=1", "cannot be read"},
  {"UPDATE origins SET id_prefix='x' WHERE task=1", "the start of its id is"},
  {"UPDATE origins SET created=created+1 WHERE task=1", "the time in its id"},
  {"UPDATE task_rows SET created=created+1 WHERE task=1", "created_at is"},
  {"UPDATE origins SET run=2 WHERE task=1", "is none of the tasks that"},
  {"UPDATE fanouts SET item_from=2 WHERE task=10",
   "item_from is 2, its definition says 1"},
  {"UPDATE fanouts SET item_step=2 WHERE task=10",
   "item_step is 2, its definition says 1"},
  {"UPDATE fanouts SET total=5 WHERE task=10",
   "total is 5, its definition says 4"},
  {"UPDATE fanouts SET source_spooled=1 WHERE task=10",
   "has a place in its source that cannot be"},
  {"UPDATE fanouts SET broken='x' WHERE task=10", "but did not fail with it"},
  {"UPDATE origins SET spec=replace(spec,'timeout_ms','timeout') WHERE task=1",
   "cannot be read"},
  {"UPDATE origins SET spec=replace(spec,'}',' }') WHERE task=1", "spec is '{"},
  {"UPDATE fanouts SET source_path='/x' WHERE task=10", "source_path is '/x'"},
  {"DELETE FROM fanouts WHERE task=10",
   "it is 'a leaf', its definition says 'a parent'"},
  {"DELETE FROM items WHERE task=5", "the item of task \"p#2\""},
  {"UPDATE items SET item=iif(task=4,'\"y\"','\"x\"') WHERE task IN(4,5)",
   "is '\"y\"', the definition says '\"x\"'"},
  {"INSERT INTO items VALUES(11,'1')", "1 children of task \"q\""},
};

constexpr lie lies_about_constants[] = {
  {"UPDATE run_rows SET created=created-1 WHERE run=1",
   "its key and created_at make it"},
  {"UPDATE run_rows SET id='x' WHERE run=1", "id is 'x', its key"},
  {"UPDATE run_rows SET meta='x' WHERE run=1", "meta of run \"run\" ("},
  {"UPDATE event_kinds SET name='task.done' WHERE kind=12",
   "event_kinds names kind 12 'task.done', its name is 'task.succeeded'"},
  {"DELETE FROM event_kinds WHERE kind=12", "names kind 12 ''"},
  {"INSERT INTO event_kinds VALUES(99,'x')", "which is none of ours"},
  {"DELETE FROM offsets WHERE i=5", "the table offsets is not 0 to 1023"},
  {"UPDATE settings SET value='X' WHERE name='event_mark'",
   "event_mark is 'X'"},
  {"UPDATE run_rows SET first_task=2 WHERE run=1", "first_task is 2"},
  {"UPDATE run_rows SET end_task=99 WHERE run=2", "end_task is 99, counted 15"},
  {"UPDATE fanouts SET base=10 WHERE task=10",
   "the key of its first child is 10, expected 11"},
  {"DELETE FROM prunings", "are neither there nor recorded as pruned"},
  {"UPDATE prunings SET state=3", "its state is RUNNING"},
  {"UPDATE prunings SET id='x'", "its id is not that of run 3"},
  {"DELETE FROM settings WHERE name='event_mark'", "event_mark is ''"},
  {"UPDATE prunings SET tasks=2", "tasks is 2, it had room for 1"},
  {"UPDATE prunings SET events=99", "and 99 events from seq"},
  {"UPDATE prunings SET first_seq=first_seq-1", "is still there"},
  {"UPDATE prunings SET end_task=1", "end_task is 1"},
  {"UPDATE prunings SET run=2", "is there, and recorded as pruned"},
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

} // namespace

CAF_TEST(counters and children are counted again) {
  check_all(lies_about_counts);
}

CAF_TEST(rows of tasks and runs are where their events lead) {
  check_all(lies_about_paths);
}

CAF_TEST(outputs and errors and items are what the rest says of them) {
  check_all(lies_about_texts);
}

CAF_TEST(who runs has a lease and who waits is found) {
  check_all(lies_about_work);
}

CAF_TEST(what was submitted is what its definition says) {
  check_all(lies_about_definitions);
}

CAF_TEST(ids and keys and names of events never change) {
  check_all(lies_about_constants);
}

CAF_TEST(a lease that covers nobody is nothing new after a crash) {
  folder dir;
  const auto path = dir.next();
  test::write_example(path);
  CAF_CHECK_EQUAL(test::execute(path, "INSERT INTO leases VALUES(4,3,0,1);"
                                      "UPDATE engine SET clean=0"),
                  SQLITE_OK);
  CAF_CHECK_EQUAL(verify(path), "");
}

CAF_TEST(a damaged page is told with all that check tells) {
  folder dir;
  const auto path = dir.next();
  test::write_example(path);
  const auto root = sqlite::database{path, SQLITE_OPEN_READONLY}.number(
    "SELECT rootpage FROM sqlite_master WHERE name='items'");
  {
    // Where the cells of the page are.
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp((root - 1) * 4096 + 8);
    file << std::string(6, '\xFF');
  }
  const auto checked = check_database(path);
  CAF_REQUIRE(checked);
  CAF_CHECK_NOT_EQUAL(*checked, "");
  const auto said = verify(path);
  std::size_t from = 0;
  while (from < checked->size()) {
    const auto end = checked->find('\n', from);
    CAF_CHECK_NOT_EQUAL(said.find(checked->substr(from, end - from)),
                        std::string::npos);
    from = end + 1;
  }
}
