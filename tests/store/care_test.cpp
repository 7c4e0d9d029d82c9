#define CAF_SUITE store.care

#include <conductor/care.hpp>

#include <fstream>

#include "tests/store/sqlite_file.hpp"
#include "tests/store/workbench.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::folder;
using test::verify;
using test::workbench;

namespace {

/// Runs of one leaf each, settled 100 ms after one another; the last one is
/// still open.
void fill(workbench& w, int runs) {
  using enum task_state;
  for (int i = 1; i <= runs; ++i) {
    const auto run = w.submit({test::leaf("a")});
    change_set changes;
    const auto task = run.first_task;
    auto lease = w.plan(0, {task, 1}, pending, 0, running);
    auto end = w.plan(0, {task, 1}, running, 1, succeeded);
    for (auto* m : {&lease, &end})
      m->run = run.key;
    lease.until = w.now + milliseconds{1000};
    lease.events.push_back({event_kind::task_started, "{}"});
    end.events.push_back({event_kind::task_succeeded, "{}"});
    end.outputs = {R"({"n":1})"};
    changes.run_starts.push_back({run.key,
                                  run_state::pending,
                                  run_state::running,
                                  w.now,
                                  {{event_kind::run_started, "{}"}}});
    changes.moves = {lease, end};
    changes.released = {task};
    if (i < runs)
      changes.run_moves.push_back(
        {run.key,
         run_state::running,
         run_state::succeeded,
         w.now,
         {{event_kind::run_aggregated, R"({"state":"SUCCEEDED"})"}}});
    w.apply(changes);
    w.now += milliseconds{100};
  }
}

std::vector<run_key> keys(store_reader& reader) {
  std::vector<run_key> found;
  for (const auto& run : reader.list_runs({}, 0, 99))
    found.push_back(run.key);
  return found;
}

/// A database of five runs; returns when the third one ended.
timestamp five_runs(const std::string& path) {
  workbench w{[&] { return test::open(path); }};
  const auto start = w.now;
  fill(w, 5);
  return start + milliseconds{200};
}

} // namespace

CAF_TEST(a backup beside a working engine is whole and can be used) {
  folder dir;
  const auto path = dir.next(), copy = dir.next();
  workbench w{[&] { return test::open(path); }};
  fill(w, 3);
  const auto bytes = backup_database(path, copy);
  CAF_REQUIRE(bytes);
  CAF_CHECK_EQUAL(static_cast<std::uintmax_t>(*bytes),
                  std::filesystem::file_size(copy));
  fill(w, 1); // goes on; the copy does not see it
  CAF_CHECK_EQUAL(verify(copy), "");
  const auto again = test::open(copy);
  CAF_CHECK_EQUAL(keys(*again->open_reader()), (std::vector<run_key>{3, 2, 1}));
  const auto mode = std::filesystem::status(copy).permissions();
  CAF_CHECK(mode
            == (std::filesystem::perms::owner_read
                | std::filesystem::perms::owner_write));
}

CAF_TEST(a backup overwrites nothing and leaves nothing behind) {
  folder dir;
  const auto path = dir.next(), taken = dir.next(), foreign = dir.next();
  five_runs(path);
  std::ofstream{taken} << "mine";
  const auto refused = backup_database(path, taken);
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::conflict);
  std::ofstream{foreign} << "no database at all";
  const auto wrong = backup_database(foreign, dir.next());
  CAF_REQUIRE(!wrong);
  CAF_CHECK(wrong.error().code == errc::not_ours);
  const auto nowhere = backup_database(path, "/nonexistent/copy.db");
  CAF_CHECK(!nowhere);
  for (const auto& entry : std::filesystem::directory_iterator{dir.path})
    CAF_CHECK_NOT_EQUAL(entry.path().extension().string(), ".part");
}

CAF_TEST(pruning takes old runs with all that is theirs and keeps the rest) {
  folder dir;
  const auto path = dir.next();
  const auto third = five_runs(path);
  const auto before = measure_database(path);
  CAF_REQUIRE(before);
  const auto asked = prune_database(path, {.before = third, .dry_run = true});
  CAF_REQUIRE(asked);
  CAF_CHECK_EQUAL(asked->runs, 2);
  CAF_CHECK_EQUAL(std::int64_t{measure_database(path)->runs}, 5);
  const auto pruned = prune_database(path, {.before = third, .now = third});
  CAF_REQUIRE(pruned);
  CAF_CHECK_EQUAL(pruned->runs, 2);
  CAF_CHECK_EQUAL(pruned->tasks, 2);
  CAF_CHECK_EQUAL(pruned->events, 12);
  const auto after = measure_database(path);
  CAF_REQUIRE(after);
  CAF_CHECK_EQUAL(after->runs, 3);
  CAF_CHECK_EQUAL(after->tasks, 3);
  CAF_CHECK_EQUAL(after->events, before->events - 12);
  CAF_CHECK_EQUAL(verify(path), "");
}

CAF_TEST(an open run is not pruned) {
  folder dir;
  const auto path = dir.next();
  five_runs(path);
  const auto open_one = prune_database(path, {.run = 5});
  CAF_REQUIRE(!open_one);
  CAF_CHECK(open_one.error().code == errc::conflict);
  const auto all = prune_database(path, {.before = timestamp::max()});
  CAF_REQUIRE(all);
  CAF_CHECK_EQUAL(all->runs, 4);
  CAF_CHECK_EQUAL(std::int64_t{measure_database(path)->runs}, 1);
  CAF_CHECK_EQUAL(verify(path), "");
}

CAF_TEST(numbers of what was pruned are never given out again) {
  folder dir;
  const auto path = dir.next();
  five_runs(path);
  // The middle one and the newest that has ended: gaps within, and at the end.
  for (run_key run : {2, 4})
    CAF_CHECK(prune_database(path, {.run = run}));
  CAF_CHECK_EQUAL(verify(path), "");
  {
    workbench w{[&] { return test::open(path); }};
    const auto run = w.submit({test::leaf("b")});
    CAF_CHECK_EQUAL(run.key, 6);
    CAF_CHECK_EQUAL(run.first_task, 6);
  }
  CAF_CHECK_EQUAL(verify(path), "");
  // The events of the new run came after all that ever were: 5 × 6, less the
  // one that an open run lacks, and two more.
  workbench w{[&] { return test::open(path); }};
  CAF_CHECK_EQUAL(w.reader->last_event(), 31);
}

CAF_TEST(what is missing without having been pruned is found) {
  folder dir;
  for (const auto* lie :
       {"DELETE FROM event_spans WHERE run=3 AND seq=(SELECT max(seq) FROM "
        "event_spans WHERE run=3)",
        "UPDATE prunings SET events=events-1", "DELETE FROM prunings"}) {
    const auto path = dir.next();
    five_runs(path);
    CAF_REQUIRE(prune_database(path, {.run = 2}));
    CAF_CHECK_EQUAL(verify(path), "");
    CAF_CHECK_EQUAL(test::execute(path, lie), SQLITE_OK);
    CAF_MESSAGE(lie);
    CAF_CHECK_NOT_EQUAL(verify(path), "");
  }
}

CAF_TEST(pruning needs the engine to be away) {
  folder dir;
  const auto path = dir.next();
  const auto db = test::open(path);
  const auto refused = prune_database(path, {.before = timestamp::max()});
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::locked);
}

CAF_TEST(an older schema is named by readers and migrated on request) {
  folder dir;
  const auto path = dir.next();
  five_runs(path);
  // The first schema: without what the second one added.
  CAF_CHECK_EQUAL(test::execute(path, "ALTER TABLE engine DROP COLUMN report; "
                                      "DROP TABLE prunings; "
                                      "PRAGMA user_version=1"),
                  SQLITE_OK);
  const auto old = open_sqlite_reader(path);
  CAF_REQUIRE(!old);
  CAF_CHECK(old.error().message.find("orcon db migrate") != std::string::npos);
  const auto m = migrate_database(path);
  CAF_REQUIRE(m);
  CAF_CHECK_EQUAL(m->from, 1);
  CAF_CHECK_EQUAL(m->to, 2);
  CAF_CHECK_EQUAL(verify(path), "");
  CAF_CHECK_EQUAL(int{migrate_database(path)->from}, 2);
}
