#include <filesystem>
#include <optional>

#include <unistd.h>

#include "store/sqlite/connection/engine_lock.hpp"
#include "store/sqlite/connection/opening.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"
#include "store/sqlite/write/transaction.hpp"

namespace conductor::sqlite {

namespace {

/// A check of every page pays off after a crash, while the file is small
/// enough for nobody to wait for it.
constexpr std::uintmax_t quick_check_bytes = 64u << 20;

/// How long a reader in the middle of a long question may hold up a close.
constexpr int patience_at_close_ms = 200;

store_error taken_over() {
  return {{errc::locked, "another engine took this database over"}, true};
}

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
  batch_result commit_transaction(transaction& work, batch_result result);
  std::optional<batch_result> look_again();
  void make_durable();
  void roll_back() noexcept;

  engine_lock lock_;
  sqlite_options options_;
  std::unique_ptr<database> db_;
  id_space ids_;
  counters next_;
  std::int64_t epoch_ = 0;
  int wal_pages_ = 0;

  /// A batch whose COMMIT failed, until a fresh look tells what became of it.
  struct doubt {
    std::uint64_t commits; ///< before it
    batch_result result;   ///< if it happened
  };
  std::optional<doubt> doubt_;
};

void sqlite_store::connect() {
  db_.reset();
  db_ = std::make_unique<database>(options_.path, SQLITE_OPEN_READWRITE);
  if (check_identity(*db_) == 0)
    db_->execute("PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL");
  db_->execute(
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
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
  ids_ = load_ids(*db_);
  load_counters();
}

void sqlite_store::load_counters() {
  // A number that was given out once is never given out again, even if what had
  // it was pruned.
  const auto highest = [&](const char* kept, const char* pruned) {
    return std::max<std::int64_t>({1, db_->number(kept), db_->number(pruned)});
  };
  next_.run = highest("SELECT max(run)+1 FROM run_rows",
                      "SELECT max(run)+1 FROM prunings");
  next_.task
    = highest("SELECT end_task FROM run_rows ORDER BY run DESC LIMIT 1",
              "SELECT max(end_task) FROM prunings");
  next_.seq
    = highest("SELECT seq+count FROM event_spans ORDER BY seq DESC LIMIT 1",
              "SELECT max(last_seq)+1 FROM prunings");
  next_.commits
    = static_cast<std::uint64_t>(db_->number("SELECT commits FROM engine"));
}

batch_result sqlite_store::commit(std::vector<change_set>& batch) {
  if (doubt_)
    if (auto happened = look_again())
      return std::move(*happened);
  batch_result result;
  transaction work{*db_, ids_, next_, epoch_};
  try {
    db_->prepared("BEGIN IMMEDIATE").run();
    if (db_->prepared(sql::guard_epoch).run(epoch_) != 1)
      throw taken_over();
    for (auto& changes : batch)
      result.replies.push_back(work.apply(changes));
    work.finish();
  } catch (...) {
    roll_back();
    throw;
  }
  result.fact = std::move(work.fact());
  return commit_transaction(work, std::move(result));
}

batch_result sqlite_store::commit_transaction(transaction& work,
                                              batch_result result) {
  try {
    db_->prepared("COMMIT").run();
  } catch (const store_error& trouble) {
    // The commit may have happened all the same: only a fresh look tells.
    doubt_ = {next_.commits, std::move(result)};
    if (auto happened = look_again())
      return std::move(*happened);
    throw;
  }
  next_ = work.next();
  return result;
}

/// What became of the batch in doubt: its result, or nothing if it is not in
/// the database. While the database cannot be opened the doubt stays.
std::optional<batch_result> sqlite_store::look_again() {
  try {
    connect();
    if (db_->number("SELECT epoch FROM engine") != epoch_)
      throw taken_over();
    load_counters();
  } catch (const store_error& trouble) {
    throw store_error{trouble.why(), trouble.fatal(), true};
  }
  const auto happened = next_.commits != doubt_->commits;
  if (happened)
    make_durable();
  auto settled = std::move(*doubt_);
  doubt_.reset();
  if (!happened)
    return std::nullopt;
  return std::move(settled.result);
}

/// What was read back may be in a cache only: it is acknowledged once it is in
/// the database file, past the log whose sync has failed.
void sqlite_store::make_durable() {
  int logged = 0, copied = 0;
  const auto code = sqlite3_wal_checkpoint_v2(
    db_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &logged, &copied);
  if (code != SQLITE_OK) {
    const auto why = to_error(db_->handle(), code, "checkpoint").why();
    throw store_error{why, false, true};
  }
  if (copied < logged)
    throw store_error{{errc::io, "a commit is in doubt until readers let go of "
                                 "the log"},
                      false,
                      true};
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
    // Beside readers that are still there, closing alone would leave all that
    // is new in the log; a database should be one file.
    if (db_) {
      sqlite3_busy_timeout(db_->handle(), patience_at_close_ms);
      sqlite3_wal_checkpoint_v2(db_->handle(), nullptr,
                                SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    }
  } catch (const store_error&) {
    // The next opening then checks the file, nothing else.
  }
}

std::unique_ptr<store>
finish_opening(engine_lock lock, const sqlite_options& options, bool is_new) {
  try {
    return std::make_unique<sqlite_store>(std::move(lock), options);
  } catch (const store_error&) {
    if (is_new && engine_lock::acquire(options.path))
      remove_files(options.path);
    throw;
  }
}

} // namespace

} // namespace conductor::sqlite

namespace conductor {

result<std::unique_ptr<store>> open_sqlite_store(const sqlite_options& given) {
  using namespace sqlite;
  auto options = given;
  options.path = resolve_links(given.path);
  try {
    std::error_code trouble;
    const auto is_new = !std::filesystem::exists(options.path, trouble);
    if (trouble)
      return fail(errc::io,
                  "cannot open " + given.path + ": " + trouble.message());
    if (!options.create && is_new)
      return fail(errc::not_found, "no database at " + given.path
                                     + "; name another with --db FILE");
    look_before(options.path);
    auto lock = engine_lock::acquire(options.path);
    if (!lock)
      return tl::unexpected(lock.error());
    if (auto created = create_private(options.path); !created) {
      if (is_new)
        remove_files(options.path);
      return tl::unexpected(created.error());
    }
    return finish_opening(std::move(*lock), options, is_new);
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<std::unique_ptr<store_reader>>
open_sqlite_reader(const std::string& path) {
  try {
    return std::make_unique<sqlite::sqlite_reader>(
      sqlite::open_for_reading(path));
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

} // namespace conductor
