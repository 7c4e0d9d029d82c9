#define CAF_SUITE store.admin

#include <conductor/admin.hpp>

#include <fstream>

#include <sys/file.h>
#include <sys/stat.h>

#include "store/sqlite/connection/database.hpp"
#include "tests/store/sqlite/sqlite_file.hpp"
#include "tests/store/workbench.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::folder;
using test::verify;
using test::workbench;

namespace {

using enum task_state;

/// A run of one leaf that has succeeded, 100 ms after the one before; with
/// `open` the run itself has not ended.
void run_leaf(workbench& w, bool open) {
  const auto run = w.submit({test::leaf("a")});
  auto lease = w.plan(0, {run.first_task, 1}, pending, 0, running);
  auto end = w.plan(0, {run.first_task, 1}, running, 1, succeeded);
  lease.run = end.run = run.key;
  lease.events = {task_started(1)};
  end.events = {task_succeeded(1)};
  end.outputs = {R"({"n":1})"};
  w.apply_parts(start_of_run(run.key), lease, end);
  if (!open)
    w.apply_parts(
      move_run{run.key,
               run_state::running,
               run_state::succeeded,
               {run_aggregated(run_state::succeeded, w.run(run.key))}});
  w.now += milliseconds{100};
}

/// A database of five runs, the last one open; returns when the third ended.
timestamp five_runs(const std::string& path) {
  workbench w{test::open(path)};
  const auto start = w.now;
  for (int i = 1; i <= 5; ++i)
    run_leaf(w, i == 5);
  return start + milliseconds{200};
}

/// A settled run of `children` with items and outputs, each task in a segment
/// of its own; then a run that waits.
void wide_run(const std::string& path, std::int64_t children) {
  workbench w{test::open(path)};
  std::vector<std::string> items(static_cast<std::size_t>(children), "\"x\"");
  auto p = test::parent("p", children);
  p.items = w.apply_parts(append_items{.items = std::move(items)}).lists.at(0);
  p.spec.fanout = {.kind = source_kind::items, .count = children};
  w.submit({p});
  w.apply_parts(start_of_run(1), test::page(1, children));
  std::vector<change_set> moves;
  for (task_key task = 2; task < 2 + children; ++task) {
    auto lease = w.plan(1, {task, 1}, pending, 0, running);
    auto end = w.plan(1, {task, 1}, running, 1, failed);
    lease.events = {task_started(1)};
    end.error = R"({"type":"n","task":)" + std::to_string(task) + "}";
    end.events = {task_failed(1, end.error, false)};
    end.outputs = {std::to_string(task)};
    moves.push_back(test::set_of(lease, end));
  }
  w.commit(std::move(moves));
  auto settle = w.plan(0, {1, 1}, pending, 0, failed);
  settle.error = "{\"failed\":" + std::to_string(children) + ",\"message\":\""
                 + std::string{reason::children_failed}
                 + "\",\"type\":\"children_failed\"}";
  const auto n = std::to_string(children);
  settle.outputs = {"{\"cancelled\":0,\"failed\":" + n
                    + ",\"succeeded\":0,\"total\":" + n + "}"};
  settle.events
    = {task_aggregated(failed, w.progress(1), reason::children_failed)};
  w.apply_parts(settle);
  w.apply_parts(move_run{1,
                         run_state::running,
                         run_state::failed,
                         {run_aggregated(run_state::failed, w.run(1))}});
  w.submit({test::leaf("next")});
}

std::vector<run_key> keys(store_reader& reader) {
  std::vector<run_key> found;
  for (const auto& run : reader.runs({}))
    found.push_back(run.key);
  return found;
}

std::int64_t number(const std::string& path, const char* sql) {
  return sqlite::database{path, SQLITE_OPEN_READONLY}.number(sql);
}

std::string name_of_part(const std::string& target) {
  return target + ".backup-0123456789abcdef.part";
}

} // namespace

// -- backup -------------------------------------------------------------------

CAF_TEST(a backup beside a working engine is whole and can be used) {
  folder dir;
  const auto path = dir.next(), copy = dir.next();
  workbench w{test::open(path)};
  for (int i = 0; i < 3; ++i)
    run_leaf(w, false);
  const auto bytes = backup_database(path, copy);
  CAF_REQUIRE(bytes);
  CAF_CHECK_EQUAL(static_cast<std::uintmax_t>(*bytes),
                  std::filesystem::file_size(copy));
  run_leaf(w, false); // the copy does not see it
  CAF_CHECK_EQUAL(verify(copy), "");
  const auto again = test::open(copy);
  CAF_CHECK_EQUAL(keys(*again->open_reader()), (std::vector<run_key>{1, 2, 3}));
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
  CAF_CHECK(!backup_database(path, "/nonexistent/copy.db"));
  const auto dangling = dir.next();
  std::filesystem::create_symlink(dir.path / "nowhere", dangling);
  CAF_CHECK(!backup_database(path, dangling));
  for (const auto& entry : std::filesystem::directory_iterator{dir.path})
    CAF_CHECK_NOT_EQUAL(entry.path().extension().string(), ".part");
}

CAF_TEST(a backup leaves the files of others alone) {
  folder dir;
  const auto path = dir.next(), copy = dir.next(), victim = dir.next();
  five_runs(path);
  std::ofstream{victim} << "mine";
  std::ofstream{copy + ".part"} << "mine";
  std::filesystem::create_symlink(victim, name_of_part(copy));
  CAF_CHECK(backup_database(path, copy));
  CAF_CHECK_EQUAL(std::filesystem::file_size(copy + ".part"), 4u);
  CAF_CHECK_EQUAL(std::filesystem::file_size(victim), 4u);
  CAF_CHECK(std::filesystem::is_symlink(name_of_part(copy)));
}

CAF_TEST(a backup removes what a killed one has left) {
  folder dir;
  const auto path = dir.next(), copy = dir.next(), other = dir.next();
  five_runs(path);
  for (const auto& target : {copy, other})
    std::ofstream{name_of_part(target)} << "half of it";
  // A backup that still works on its file has locked it.
  const auto busy = ::open(name_of_part(other).c_str(), O_RDWR | O_CLOEXEC);
  CAF_REQUIRE(::flock(busy, LOCK_EX) == 0);
  CAF_CHECK(backup_database(path, copy));
  CAF_CHECK(backup_database(path, other));
  ::close(busy);
  CAF_CHECK(!std::filesystem::exists(name_of_part(copy)));
  CAF_CHECK(std::filesystem::exists(name_of_part(other)));
}

// -- pruning ------------------------------------------------------------------

CAF_TEST(pruning deletes old runs whole and keeps the rest) {
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

CAF_TEST(pruning a wide run takes all of its rows and gives the space back) {
  folder dir;
  const auto path = dir.next();
  wide_run(path, 3000);
  CAF_CHECK_EQUAL(verify(path), "");
  const auto before = measure_database(path);
  CAF_REQUIRE(prune_database(path, {.run = 1}));
  const auto after = measure_database(path);
  CAF_REQUIRE(before && after);
  CAF_CHECK_EQUAL(after->tasks, 1);
  CAF_CHECK_EQUAL(after->free_pages, 0);
  CAF_CHECK_LESS(after->file_bytes, before->file_bytes / 3);
  for (const auto* table : {"outputs", "errors", "item_blocks", "parents"})
    CAF_CHECK_EQUAL(
      number(path, ("SELECT count(*) FROM " + std::string{table}).c_str()), 0);
  for (const auto* table : {"segments", "templates", "blocks", "definitions"})
    CAF_CHECK_EQUAL(
      number(path, ("SELECT count(*) FROM " + std::string{table}).c_str()), 1);
  CAF_CHECK_EQUAL(verify(path), "");
}

CAF_TEST(pruning can keep the size of the file) {
  folder dir;
  const auto path = dir.next();
  wide_run(path, 500);
  CAF_REQUIRE(prune_database(path, {.run = 1, .shrink = false}));
  CAF_CHECK_GREATER(std::int64_t{measure_database(path)->free_pages}, 10);
}

CAF_TEST(what a killed pruning has left is nothing wrong and goes next time) {
  folder dir;
  const auto path = dir.next();
  five_runs(path);
  // As it stands after the first of its transactions.
  const auto copy = dir.next();
  CAF_REQUIRE(backup_database(path, copy));
  CAF_REQUIRE(prune_database(path, {.run = 2}));
  CAF_CHECK_EQUAL(
    test::execute(copy, ("ATTACH '" + path
                         + "' AS pruned; INSERT INTO prunings SELECT * FROM"
                           " pruned.prunings; DELETE FROM run_rows WHERE run=2")
                          .c_str()),
    SQLITE_OK);
  CAF_CHECK_EQUAL(verify(copy), "");
  CAF_REQUIRE(prune_database(copy, {.run = 3}));
  CAF_CHECK_EQUAL(
    number(copy, "SELECT count(*) FROM event_spans WHERE run IN (2, 3)"), 0);
  CAF_CHECK_EQUAL(verify(copy), "");
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
    workbench w{test::open(path)};
    const auto run = w.submit({test::leaf("b")});
    CAF_CHECK_EQUAL(run.key, 6);
    CAF_CHECK_EQUAL(run.first_task, 6);
  }
  CAF_CHECK_EQUAL(verify(path), "");
  // The events of the new run came after all that ever were: 5 × 6, less the
  // one that an open run lacks, and two more.
  workbench w{test::open(path)};
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

CAF_TEST(pruning is refused while an engine works) {
  folder dir;
  const auto path = dir.next();
  const auto db = test::open(path);
  const auto refused = prune_database(path, {.before = timestamp::max()});
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::locked);
}

// -- the schema ---------------------------------------------------------------

CAF_TEST(migrating a database of this version changes nothing) {
  folder dir;
  const auto path = dir.next();
  five_runs(path);
  const auto m = migrate_database(path);
  CAF_REQUIRE(m);
  CAF_CHECK_EQUAL(m->from, m->to);
  CAF_CHECK_EQUAL(verify(path), "");
  const auto missing = migrate_database(dir.next());
  CAF_REQUIRE(!missing);
  CAF_CHECK(missing.error().code == errc::not_found);
}
