#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "store/sqlite/engine_lock.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/sql.hpp"
#include "store/sqlite/sqlite_reader.hpp"
#include "store/sqlite/transaction.hpp"

namespace conductor::sqlite {

namespace {

/// A check of every page pays off after a crash, while the file is small
/// enough for nobody to wait for it.
constexpr std::uintmax_t quick_check_bytes = 64u << 20;

class sqlite_store final : public store {
public:
  sqlite_store(engine_lock lock, const sqlite_options& options)
    : lock_(std::move(lock)), options_(options) {
    connect();
    migrate(*db_, options_.salt);
    check_after_crash();
    take_over();
  }

  ~sqlite_store() override { close_cleanly(); }

  batch_result commit(std::vector<change_set>& batch) override;
  std::int64_t epoch() const override { return epoch_; }
  void maintain() override;
  std::unique_ptr<store_reader> open_reader() override {
    return std::make_unique<sqlite_reader>(open_for_reading(options_.path));
  }

private:
  void connect();
  void check_after_crash();
  void take_over();
  void load_counters();
  void close_cleanly() noexcept;
  void commit_transaction();
  void roll_back() noexcept;

  engine_lock lock_;
  sqlite_options options_;
  std::unique_ptr<database> db_;
  id_space ids_;
  counters next_;
  std::int64_t epoch_ = 0;
  int wal_pages_ = 0;
};

void sqlite_store::connect() {
  db_.reset();
  db_ = std::make_unique<database>(options_.path, SQLITE_OPEN_READWRITE);
  if (check_identity(*db_) == 0)
    db_->execute("PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL");
  db_->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
               "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864");
  sqlite3_wal_hook(
    db_->handle(),
    [](void* self, sqlite3*, const char*, int pages) {
      static_cast<sqlite_store*>(self)->wal_pages_ = pages;
      return SQLITE_OK;
    },
    this);
}

void sqlite_store::check_after_crash() {
  std::error_code ignored;
  if (db_->number("SELECT clean FROM engine") != 0
      || std::filesystem::file_size(options_.path, ignored) > quick_check_bytes)
    return;
  std::string verdict;
  db_->prepared("PRAGMA quick_check(1)").each([&](statement& row) {
    verdict = row.text(0);
  });
  if (verdict != "ok")
    throw store_error{{errc::corrupt, options_.path + " is damaged: " + verdict
                                        + "; restore a backup"},
                      true};
}

void sqlite_store::take_over() {
  db_->prepared("UPDATE engine SET epoch=epoch+1,clean=0,pid=?,started_at=?")
    .run(static_cast<std::int64_t>(::getpid()), options_.now_ms);
  epoch_ = db_->number("SELECT epoch FROM engine");
  ids_.salt = static_cast<std::uint64_t>(
    db_->number("SELECT value FROM settings WHERE name='salt'"));
  load_counters();
}

void sqlite_store::load_counters() {
  next_.run = db_->number("SELECT max(run) FROM run_rows") + 1;
  next_.task = std::max<std::int64_t>(
    1, db_->number("SELECT end_task FROM run_rows ORDER BY run DESC LIMIT 1"));
  next_.seq = std::max<std::int64_t>(
    1,
    db_->number("SELECT seq+count FROM event_spans ORDER BY seq DESC LIMIT 1"));
  next_.commits
    = static_cast<std::uint64_t>(db_->number("SELECT commits FROM engine"));
}

batch_result sqlite_store::commit(std::vector<change_set>& batch) {
  batch_result result;
  transaction work{*db_, ids_, next_, epoch_};
  try {
    db_->prepared("BEGIN IMMEDIATE").run();
    if (db_->prepared(sql::guard_epoch).run(epoch_) != 1)
      throw store_error{{errc::locked, "another engine took this database over"},
                        true};
    for (auto& changes : batch)
      result.replies.push_back(work.apply(changes));
    work.finish();
  } catch (...) {
    roll_back();
    throw;
  }
  commit_transaction();
  next_ = work.next();
  result.fact = std::move(work.fact());
  return result;
}

void sqlite_store::commit_transaction() {
  try {
    db_->prepared("COMMIT").run();
  } catch (const store_error& trouble) {
    // The commit may have happened all the same: only a fresh look tells.
    const auto before = next_.commits;
    connect();
    load_counters();
    if (next_.commits == before)
      throw store_error{trouble.why(), trouble.fatal()};
  }
}

void sqlite_store::roll_back() noexcept {
  if (!sqlite3_get_autocommit(db_->handle()))
    sqlite3_exec(db_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void sqlite_store::maintain() {
  if (wal_pages_ < options_.checkpoint_pages)
    return;
  wal_pages_ = 0;
  // PASSIVE never waits for readers; what it leaves, the next one takes.
  sqlite3_wal_checkpoint_v2(db_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                            nullptr, nullptr);
}

void sqlite_store::close_cleanly() noexcept {
  try {
    if (db_)
      db_->prepared("UPDATE engine SET clean=1 WHERE epoch=?").run(epoch_);
  } catch (const store_error&) {
    // The next opening then checks the file, nothing else.
  }
}

/// A new file is made private before SQLite sees it. Creating with O_EXCL is
/// safe: nobody in this process can have a connection to it, whose locks
/// closing the descriptor would drop.
result<void> create_private(const std::string& path) {
  const auto fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                         0600);
  if (fd < 0 && errno != EEXIST)
    return fail(errno == ENOSPC ? errc::full : errc::io,
                "cannot create " + path + ": " + std::strerror(errno));
  if (fd >= 0)
    ::close(fd);
  return {};
}

/// Refuses a file that is not ours before anything is put beside it.
void look_before(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw store_error{{errc::not_ours, path + " is a directory"}, true};
  if (std::filesystem::file_size(path, ignored) == 0 || ignored)
    return;
  database probe{path, SQLITE_OPEN_READONLY};
  check_identity(probe);
}

} // namespace

} // namespace conductor::sqlite

namespace conductor {

result<std::unique_ptr<store>> open_sqlite_store(const sqlite_options& options) {
  using namespace sqlite;
  try {
    std::error_code ignored;
    if (!options.create && !std::filesystem::exists(options.path, ignored))
      return fail(errc::not_found, "no database at " + options.path
                                     + "; name another with --db FILE");
    look_before(options.path);
    auto lock = engine_lock::acquire(options.path);
    if (!lock)
      return tl::unexpected(lock.error());
    if (auto created = create_private(options.path); !created)
      return tl::unexpected(created.error());
    return std::make_unique<sqlite_store>(std::move(*lock), options);
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<std::unique_ptr<store_reader>> open_sqlite_reader(
  const std::string& path) {
  try {
    return std::make_unique<sqlite::sqlite_reader>(
      sqlite::open_for_reading(path));
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

} // namespace conductor
