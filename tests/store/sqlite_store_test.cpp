#define CAF_SUITE store.sqlite_store

#include <csignal>
#include <filesystem>
#include <fstream>

#include <conductor/verify.hpp>
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/store/conformance.hpp"
#include "tests/store/pair_store.hpp"
#include "tests/store/random_history.hpp"
#include "tests/store/sqlite_file.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using test::folder;
using test::open;
using test::salt;
using test::verify;

namespace {

void execute(const std::string& path, const char* sql) {
  CAF_CHECK_EQUAL(test::execute(path, sql), SQLITE_OK);
}

errc code_of_opening(const std::string& path) {
  const auto db = open_sqlite_store({.path = path});
  return db ? errc::none : db.error().code;
}

} // namespace

CAF_TEST(conformance) {
  folder dir;
  for (const auto& failure :
       test::run_conformance([&] { return open(dir.next()); }))
    CAF_CHECK_EQUAL(failure, "");
}

CAF_TEST(memory and SQLite agree on random histories) {
  folder dir;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    test::pair_store pair{make_memory_store(salt), open(dir.next())};
    std::string trouble;
    try {
      test::random_history(pair, seed, 60);
    } catch (const std::exception& e) {
      trouble = e.what();
    }
    CAF_CHECK_EQUAL(trouble, "");
  }
}

CAF_TEST(a second engine is refused with the pid of the first) {
  folder dir;
  const auto path = dir.next();
  const auto first = open(path);
  const auto second = open_sqlite_store({.path = path});
  CAF_REQUIRE(!second);
  CAF_CHECK_EQUAL(static_cast<int>(second.error().code),
                  static_cast<int>(errc::locked));
  CAF_CHECK(second.error().message.find(std::to_string(::getpid()))
            != std::string::npos);
}

CAF_TEST(an engine that was replaced cannot commit) {
  folder dir;
  const auto path = dir.next();
  auto db = open(path);
  execute(path, "UPDATE engine SET epoch=epoch+1");
  std::vector<change_set> batch(1);
  batch[0].submissions.push_back({.name = "late"});
  bool refused = false;
  try {
    db->commit(batch);
  } catch (const store_error& trouble) {
    refused = trouble.fatal();
  }
  CAF_CHECK(refused);
  CAF_CHECK(db->open_reader()->list_runs({}, 0, 10).empty());
}

CAF_TEST(files that are not ours are refused untouched) {
  folder dir;
  const auto foreign = dir.next();
  execute(foreign, "CREATE TABLE cars(id); INSERT INTO cars VALUES(1)");
  CAF_CHECK(code_of_opening(foreign) == errc::not_ours);
  const auto text = dir.next();
  const std::string content(5000, 'x');
  std::ofstream{text} << content;
  CAF_CHECK(code_of_opening(text) == errc::not_ours);
  std::ifstream again{text};
  const std::string read{std::istreambuf_iterator<char>{again}, {}};
  CAF_CHECK_EQUAL(read, content);
  CAF_CHECK(!std::filesystem::exists(text + ".lock"));
  CAF_CHECK(!std::filesystem::exists(foreign + ".lock"));
}

CAF_TEST(a newer schema is refused) {
  folder dir;
  const auto path = dir.next();
  open(path).reset();
  execute(path, "PRAGMA user_version=99");
  CAF_CHECK(code_of_opening(path) == errc::too_new);
}

CAF_TEST(a full disk is an error and loses nothing) {
  folder dir;
  const auto path = dir.next();
  {
    auto db = open(path);
    std::vector<change_set> batch(1);
    batch[0].submissions.push_back({.name = "first"});
    db->commit(batch);
  }
  // SQLite's own bound on the size of a file says "full" as a disk does.
  ::rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  auto db = open(path);
  ::rlimit tight{before};
  tight.rlim_cur = std::filesystem::file_size(path) + 8192;
  ::setrlimit(RLIMIT_FSIZE, &tight);
  bool refused = false;
  try {
    std::vector<change_set> large(1);
    large[0].submissions.push_back(
      {.name = "second", .meta = "\"" + std::string(1 << 20, 'x') + "\""});
    db->commit(large);
  } catch (const store_error& trouble) {
    refused = !trouble.fatal();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  CAF_CHECK(refused);
  CAF_CHECK_EQUAL(db->open_reader()->list_runs({}, 0, 10).size(), 1u);
  std::vector<change_set> third(1);
  third[0].submissions.push_back({.name = "third"});
  db->commit(third);
  CAF_CHECK_EQUAL(db->open_reader()->list_runs({}, 0, 10).size(), 2u);
  db.reset();
  CAF_CHECK_EQUAL(verify(path), "");
}

CAF_TEST(the verifier finds what was damaged) {
  folder dir;
  // Each of these is one lie in a database that is in order otherwise.
  for (const auto* lie :
       {"UPDATE fanouts SET succeeded=succeeded+1",
        "DELETE FROM event_spans WHERE seq=2",
        "UPDATE event_spans SET payload='{\"x\":1}' WHERE seq=1",
        "UPDATE task_rows SET state=4 WHERE parent>0",
        "DELETE FROM task_rows WHERE task=(SELECT base FROM fanouts)",
        "UPDATE run_rows SET succeeded=1", "UPDATE run_rows SET state=4"}) {
    const auto path = dir.next();
    {
      auto db = open(path);
      std::vector<change_set> batch(1);
      task_submission parent{.total = 3};
      parent.spec.name = "p";
      parent.spec.handler = "noop";
      parent.spec.fanout = {.kind = source_kind::count, .count = 3};
      batch[0].submissions.push_back({.name = "r", .tasks = {parent}});
      db->commit(batch);
      batch = std::vector<change_set>(1);
      batch[0].expansions.push_back({.run = 1, .parent = 1, .count = 3});
      db->commit(batch);
    }
    CAF_CHECK_EQUAL(verify(path), "");
    execute(path, lie);
    CAF_MESSAGE(lie);
    CAF_CHECK_NOT_EQUAL(verify(path), "");
  }
}
