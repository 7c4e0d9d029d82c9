#define CAF_SUITE store.sqlite_store

#include <conductor/admin.hpp>

#include <csignal>
#include <fstream>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/memory/model.hpp"
#include "store/sqlite/connection/database.hpp"
#include "store/sqlite/connection/engine_lock.hpp"
#include "store/sqlite/connection/opening.hpp"
#include "tests/store/conformance/conformance.hpp"
#include "tests/store/history/pair_store.hpp"
#include "tests/store/history/random_history.hpp"
#include "tests/store/sqlite/sqlite_file.hpp"
#include "tests/store/workbench.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using sqlite::engine_lock;
using test::folder;
using test::open;
using test::salt;
using test::verify;

namespace {

using texts = std::vector<std::string>;

void execute(const std::string& path, const char* sql) {
  CAF_CHECK_EQUAL(test::execute(path, sql), SQLITE_OK);
}

errc code_of_opening(const std::string& path) {
  const auto db = open_sqlite_store({.path = path});
  return db ? errc::none : db.error().code;
}

/// Whether committing a run is refused, and for good.
bool is_fatal(store& db) {
  const auto changes = test::set_of(test::run_of({}));
  try {
    db.commit({&changes, 1}, from_ms(1));
    return false;
  } catch (const store_error& refused) {
    return refused.fatal();
  }
}

/// Memory and SQLite side by side; what they differ in, if anything.
std::string compare_stores(const std::string& path, std::uint64_t seed) {
  const auto reopen = [&](std::unique_ptr<store> s) {
    auto [left, right] = dynamic_cast<test::pair_store&>(*s).take();
    right.reset();
    return std::make_unique<test::pair_store>(memory::reopen(std::move(left)),
                                              open(path));
  };
  try {
    test::random_history(
      std::make_unique<test::pair_store>(make_memory_store(salt), open(path)),
      reopen, seed, 60);
    return "";
  } catch (const std::exception& difference) {
    return difference.what();
  }
}

/// A single file as a mount of its own, where the kernel lets us.
class file_mount {
public:
  file_mount(const std::string& from, const std::string& to) : to_(to) {
    std::ofstream{to};
    mounted_
      = ::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) == 0;
  }
  ~file_mount() {
    if (mounted_)
      ::umount2(to_.c_str(), MNT_DETACH);
  }
  file_mount(const file_mount&) = delete;
  file_mount& operator=(const file_mount&) = delete;
  bool mounted() const { return mounted_; }

private:
  std::string to_;
  bool mounted_;
};

} // namespace

CAF_TEST(conformance) {
  folder dir;
  CAF_CHECK_EQUAL(test::run_conformance([&] { return open(dir.next()); }),
                  texts{});
}

CAF_TEST(reopening) {
  folder dir;
  std::string path;
  const auto make = [&] { return open(path = dir.next()); };
  const auto reopen = [&](std::unique_ptr<store> s) {
    s.reset();
    return open(path);
  };
  CAF_CHECK_EQUAL(test::run_reopening(make, reopen), texts{});
}

CAF_TEST(memory and SQLite agree on random histories) {
  folder dir;
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    CAF_CHECK_EQUAL(compare_stores(dir.next(), seed), "");
}

// -- one engine ---------------------------------------------------------------

CAF_TEST(a second engine is refused with the pid of the first) {
  folder dir;
  const auto path = dir.next();
  const auto first = open(path);
  const auto second = open_sqlite_store({.path = path});
  CAF_REQUIRE(!second);
  CAF_CHECK(second.error().code == errc::locked);
  CAF_CHECK(second.error().message.find(std::to_string(::getpid()))
            != std::string::npos);
  CAF_CHECK(!std::filesystem::exists(path + ".lock"));
}

CAF_TEST(the lock ends with the store and not with its readers) {
  folder dir;
  const auto path = dir.next();
  for (int i = 0; i < 3; ++i) {
    auto db = open(path);
    const auto reader = db->open_reader();
    CAF_CHECK(code_of_opening(path) == errc::locked);
    db.reset();
    // The reader works on beside a new engine.
    const auto next = open(path);
    CAF_CHECK(!is_fatal(*next));
    CAF_CHECK_EQUAL(reader->runs({}).size(), static_cast<std::size_t>(i + 1));
  }
}

CAF_TEST(refused engines leave the locks of the database alone) {
  folder dir;
  const auto path = dir.next();
  test::workbench w{open(path)};
  // SQLite's own locks end when any descriptor of the file is closed; then
  // another process could write in the middle of a transaction.
  sqlite::database holder{path, SQLITE_OPEN_READWRITE};
  holder.execute("BEGIN IMMEDIATE");
  for (int i = 0; i < 5; ++i) {
    CAF_CHECK(!engine_lock::acquire(path));
    CAF_CHECK(code_of_opening(path) == errc::locked);
  }
  const auto child = ::fork();
  if (child == 0) {
    sqlite3* other = nullptr;
    sqlite3_open(path.c_str(), &other);
    ::_exit(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr)
                == SQLITE_BUSY
              ? 0
              : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CAF_CHECK_EQUAL(status, 0);
  holder.execute("ROLLBACK");
}

CAF_TEST(a hard link is no way to a second engine) {
  folder dir;
  const auto path = dir.next(), other = dir.next();
  {
    const auto first = open(path);
    std::filesystem::create_hard_link(path, other);
    const auto lock = engine_lock::acquire(other);
    CAF_REQUIRE(!lock);
    CAF_CHECK(lock.error().code == errc::locked);
    CAF_CHECK(!open_sqlite_store({.path = other}));
  }
  // The log lies beside one of the names.
  CAF_CHECK(code_of_opening(other) == errc::io);
}

CAF_TEST(a file mounted by itself is no way to a second engine) {
  folder dir;
  const auto path = dir.next(), other = dir.next();
  const auto first = open(path);
  const file_mount mount{path, other};
  if (!mount.mounted()) {
    CAF_MESSAGE("not allowed to mount here");
    return;
  }
  const auto lock = engine_lock::acquire(other);
  CAF_REQUIRE(!lock);
  CAF_CHECK(lock.error().code == errc::locked);
  CAF_CHECK(code_of_opening(other) == errc::io);
  const auto reader = open_sqlite_reader(other);
  CAF_REQUIRE(!reader);
  CAF_CHECK(reader.error().message.find("mounted") != std::string::npos);
}

CAF_TEST(symbolic links are followed where nobody else could place them) {
  folder dir;
  const auto path = dir.next(), link = dir.next(), victim = dir.next();
  std::filesystem::create_symlink(path, link);
  {
    const auto first = open(link); // creates the file that it leads to
    CAF_CHECK(std::filesystem::exists(path));
    CAF_CHECK(code_of_opening(path) == errc::locked);
  }
  std::ofstream{victim} << "mine";
  for (const auto* suffix : {".lock", ".part"})
    std::filesystem::create_symlink(victim, path + suffix);
  CAF_CHECK(code_of_opening(path) == errc::none);
  CAF_CHECK_EQUAL(std::filesystem::file_size(victim), 4u);
  if (::geteuid() != 0)
    return;
  CAF_CHECK_EQUAL(::lchown(link.c_str(), 65534, 65534), 0);
  CAF_CHECK(code_of_opening(link) == errc::io);
}

CAF_TEST(an engine notices that its file was deleted or replaced) {
  folder dir;
  const auto path = dir.next(), copy = dir.next();
  auto lock = engine_lock::acquire(path);
  CAF_REQUIRE(lock);
  CAF_CHECK(lock->created());
  CAF_CHECK(lock->still_in_place());
  std::filesystem::copy_file(path, copy);
  std::filesystem::rename(copy, path);
  CAF_CHECK(!lock->still_in_place());
  std::filesystem::remove(path);
  CAF_CHECK(!lock->still_in_place());
  std::string said;
  try {
    lock->require_in_place();
  } catch (const store_error& gone) {
    CAF_CHECK(gone.fatal());
    said = gone.why().message;
  }
  CAF_CHECK_NOT_EQUAL(said.find("was deleted or replaced while"),
                      std::string::npos);
  // Another engine may begin on what has the name now.
  CAF_CHECK(code_of_opening(path) == errc::none);
}

CAF_TEST(an engine that was replaced cannot commit) {
  folder dir;
  const auto path = dir.next();
  auto db = open(path);
  execute(path, "UPDATE engine SET epoch=epoch+1");
  CAF_CHECK(is_fatal(*db));
  CAF_CHECK(db->open_reader()->runs({}).empty());
}

// -- files --------------------------------------------------------------------

CAF_TEST(a new database is private) {
  folder dir;
  const auto path = dir.next();
  const auto db = open(path);
  const auto mode = std::filesystem::status(path).permissions();
  CAF_CHECK(
    (mode
     & (std::filesystem::perms::group_all | std::filesystem::perms::others_all))
    == std::filesystem::perms::none);
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
  CAF_CHECK(code_of_opening(dir.path.string()) == errc::not_ours);
}

CAF_TEST(a newer schema is refused) {
  folder dir;
  const auto path = dir.next();
  open(path).reset();
  execute(path, "PRAGMA user_version=99");
  CAF_CHECK(code_of_opening(path) == errc::too_new);
}

CAF_TEST(an unused database is discarded and a used one stays) {
  folder dir;
  const auto unused = dir.next(), used = dir.next();
  open(unused).reset();
  discard_unused_database(unused);
  CAF_CHECK(!std::filesystem::exists(unused));
  CAF_CHECK(!is_fatal(*open(used)));
  discard_unused_database(used);
  CAF_CHECK(std::filesystem::exists(used));
  discard_unused_database(dir.next()); // creates nothing
  CAF_CHECK(!std::filesystem::exists(dir.path / "3.db"));
}

CAF_TEST(a full disk is an error and loses nothing) {
  folder dir;
  const auto path = dir.next();
  CAF_CHECK(!is_fatal(*open(path)));
  // SQLite's own bound on the size of a file says "full" as a disk does.
  ::rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  auto db = open(path);
  ::rlimit tight{before};
  tight.rlim_cur = std::filesystem::file_size(path) + 8192;
  ::setrlimit(RLIMIT_FSIZE, &tight);
  auto refused = errc::none;
  try {
    auto large = test::run_of({});
    large.meta = "\"" + std::string(1 << 20, 'x') + "\"";
    const auto changes = test::set_of(large);
    db->commit({&changes, 1}, from_ms(1));
  } catch (const store_error& full) {
    refused = full.fatal() ? errc::corrupt : full.why().code;
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  CAF_CHECK(refused == errc::full);
  CAF_CHECK_EQUAL(db->open_reader()->runs({}).size(), 1u);
  CAF_CHECK(!is_fatal(*db));
  CAF_CHECK_EQUAL(db->open_reader()->runs({}).size(), 2u);
  db.reset();
  CAF_CHECK_EQUAL(verify(path), "");
}
