#define CAF_SUITE store.faults

#include <filesystem>

#include <conductor/admin.hpp>
#include <unistd.h>

#include "tests/store/sqlite/faulty_vfs.hpp"
#include "tests/store/workbench.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::fault;
using test::faulty_vfs;

// Every write and every sync fails once, or from some moment on: a batch is in
// the store whole or not at all, the store says which, and that is still so
// after the next opening.
namespace {

constexpr std::uint64_t salt = 1;
constexpr auto start = from_ms(1'700'000'000'000);

struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path()
                               / ("orcon-faults-" + std::to_string(::getpid()));
  folder() { std::filesystem::create_directories(path); }
  ~folder() { std::filesystem::remove_all(path); }
  /// A database that was never used.
  std::string fresh() const {
    for (const auto& entry : std::filesystem::directory_iterator{path})
      std::filesystem::remove(entry);
    return (path / "a.db").string();
  }
};

move_tasks move(task_range tasks, task_state from, std::int32_t attempt,
                task_state to, event_entry event) {
  move_tasks m{.run = 1,
               .parent = 1,
               .tasks = tasks,
               .from = from,
               .attempt = attempt,
               .to = to};
  m.events.push_back(std::move(event));
  return m;
}

submission named(const std::string& name, task_submission task) {
  auto s = test::run_of({std::move(task)});
  s.name = name;
  return s;
}

/// What a small run comes to, batch after batch; texts of several pages, so
/// that one batch is many writes.
std::vector<change_set> batch(int number) {
  using enum task_state;
  const std::string text = "\"" + std::string(9'000, 'x') + "\"";
  switch (number) {
  case 0: {
    auto first = named("first", test::parent("p", 3));
    first.meta = "{\"x\":" + text + "}";
    return {test::set_of(first), {}};
  }
  case 1:
    return {test::set_of(start_of_run(1), test::page(1, 3)),
            test::set_of(append_event{1, 1, fanout_detected(3)})};
  case 2:
    return {test::set_of(move({2, 3}, pending, 0, running, task_started(1))),
            {}};
  case 3: {
    auto end = move({2, 3}, running, 1, succeeded, task_succeeded(1));
    end.outputs = {text, text, text};
    return {test::set_of(end), {}};
  }
  default: return {test::set_of(named("second", test::leaf("l"))), {}};
  }
}

constexpr int batches = 5;

std::string content(store& db) {
  const auto reader = db.open_reader();
  return test::describe(reader->runs({})) + test::describe(reader->tasks({}))
         + test::describe(reader->list_events({}, 0, 100));
}

std::unique_ptr<store> open(const std::string& path) {
  auto db
    = open_sqlite_store({.path = path, .salt = salt, .checkpoint_pages = 4});
  if (!db)
    CAF_FAIL(db.error().message);
  return std::move(*db);
}

std::string verify(const std::string& path) {
  const auto verdict = verify_database(path);
  if (!verdict)
    return verdict.error().message;
  std::string wrong;
  for (const auto& v : verdict->violations)
    wrong += v.invariant + " " + v.what + "\n";
  return wrong;
}

/// The disk of one trial, and what must be true of the store on it.
struct trial {
  faulty_vfs& disk;
  store& db;
  store& model;
  int failures = 0, doubts = 0;

  /// Commits as the persistence actor does: again and again; the disk is in
  /// order again after the third time.
  void commit(int number) {
    for (int turn = 1;; ++turn) {
      const auto attempt = batch(number);
      try {
        db.commit(attempt, start);
        break;
      } catch (const store_error& failed) {
        CAF_REQUIRE(disk.struck());
        CAF_REQUIRE(!failed.fatal());
        CAF_REQUIRE(turn < 5);
        ++failures;
        doubts += failed.in_doubt();
        if (turn == 3)
          disk.heal();
        if (turn == 3 && !failed.in_doubt())
          CAF_CHECK_EQUAL(content(db), content(model));
      }
    }
    // What is acknowledged is on disk, and not in a cache only.
    CAF_CHECK(!disk.unsynced());
    model.commit(batch(number), start);
    db.maintain();
  }
};

/// One trial; false if the disk had nothing left to fail.
bool strike(const folder& dir, fault kind, int n, bool stays, bool beside) {
  faulty_vfs disk;
  const auto path = dir.fresh();
  const auto model = make_memory_store(salt);
  auto db = open(path);
  // A reader keeps the log of the database from being recovered.
  const auto reader = beside ? db->open_reader() : nullptr;
  disk.fail(kind, n, stays);
  trial t{disk, *db, *model};
  for (int number = 0; number < batches; ++number)
    t.commit(number);
  disk.heal();
  CAF_CHECK_EQUAL(content(*db), content(*model));
  db.reset();
  CAF_CHECK_EQUAL(verify(path), "");
  CAF_CHECK_EQUAL(content(*open(path)), content(*model));
  return disk.struck();
}

/// Each of the first operations, then fewer and fewer: a trial takes a while.
int later(int n) {
  return n + 1 + n / 8;
}

} // namespace

CAF_TEST(a batch is there whole or not at all whatever write fails) {
  const folder dir;
  for (const auto kind : {fault::write_error, fault::short_write, fault::full})
    for (const auto stays : {false, true}) {
      int n = 1;
      while (strike(dir, kind, n, stays, n % 2 == 0))
        n = later(n);
      CAF_CHECK(n > 20);
    }
}

CAF_TEST(whatever sync fails nothing unsynced is acknowledged) {
  const folder dir;
  for (const auto stays : {false, true})
    for (const auto beside : {false, true}) {
      int n = 1;
      while (strike(dir, fault::sync_error, n, stays, beside))
        ++n;
      CAF_CHECK(n > 5);
    }
}

CAF_TEST(a database whose creation fails can be created afterwards) {
  const folder dir;
  for (const auto kind :
       {fault::write_error, fault::short_write, fault::full, fault::sync_error})
    for (int n = 1;; n = later(n)) {
      faulty_vfs disk;
      const auto path = dir.fresh();
      disk.fail(kind, n, true);
      const auto first = open_sqlite_store({.path = path, .salt = salt});
      if (!disk.struck()) {
        CAF_CHECK(n > 2);
        break;
      }
      disk.heal();
      if (!first)
        CAF_CHECK_NOT_EQUAL(first.error().message, "");
      else
        continue;
      open(path);
      CAF_CHECK_EQUAL(verify(path), "");
    }
}
