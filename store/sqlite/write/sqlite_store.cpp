#include <chrono>
#include <filesystem>
#include <optional>
#include <span>

#include <unistd.h>

#include "store/sqlite/connection/engine_lock.hpp"
#include "store/sqlite/connection/opening.hpp"
#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"
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
  sqlite_store(std::shared_ptr<engine_lock> lock, const sqlite_options& options)
    : lock_(std::move(lock)), options_(options) {
    connect();
    migrate(*db_, options_.salt);
    check_after_crash();
    take_over();
  }

  ~sqlite_store() override { close_cleanly(); }

  batch_result commit(std::span<const change_set> batch,
                      timestamp now) override;
  std::int64_t epoch() const override { return epoch_; }
  void maintain() override;
  void check_place();
  std::unique_ptr<store_reader> open_reader() override {
    return std::make_unique<sqlite_reader>(open_for_reading(options_.path));
  }

private:
  void connect();
  void check_after_crash();
  void take_over();
  void load_counters();
  void drop_unused_lists();
  void close_cleanly() noexcept;
  batch_result commit_transaction(transaction& work, batch_result result);
  std::optional<batch_result> look_again();
  void make_durable();
  void roll_back() noexcept;

  std::shared_ptr<engine_lock> lock_;
  sqlite_options options_;
  std::unique_ptr<database> db_;
  id_space ids_;
  writer_cache cache_;
  counters next_;
  std::int64_t epoch_ = 0;
  int wal_pages_ = 0;
  std::chrono::steady_clock::time_point looked_at_{};

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
  if (db_->number(sql::engine_clean) != 0
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
  db_->prepared(sql::take_over)
    .run(static_cast<std::int64_t>(::getpid()), options_.now_ms);
  epoch_ = db_->number(sql::engine_epoch);
  ids_ = load_ids(*db_);
  load_counters();
  drop_unused_lists();
  cache_.load(*db_);
}

void sqlite_store::load_counters() {
  next_.run = db_->number(sql::next_run);
  next_.task = db_->number(sql::next_task);
  next_.seq = db_->number(sql::next_seq);
  next_.list = db_->number(sql::next_list);
  next_.commits = static_cast<std::uint64_t>(db_->number(sql::engine_commits));
  next_.latest = from_ms(db_->number(sql::latest_event));
}

/// Lists whose submission never came: its program was killed in between.
void sqlite_store::drop_unused_lists() {
  std::vector<list_key> unused;
  db_->prepared(sql::unused_lists).each([&](statement& row) {
    unused.push_back(row.integer(0));
  });
  for (const auto list : unused)
    db_->prepared(sql::delete_items)
      .run(list * items_per_list, (list + 1) * items_per_list - 1);
}

batch_result sqlite_store::commit(std::span<const change_set> batch,
                                  timestamp now) {
  if (doubt_)
    if (auto happened = look_again())
      return std::move(*happened);
  batch_result result;
  transaction work{*db_, ids_, cache_, next_, epoch_, now};
  bool changed = true;
  try {
    db_->prepared("BEGIN IMMEDIATE").run();
    if (db_->prepared(sql::guard_epoch).run(epoch_) != 1)
      throw taken_over();
    const auto before = sqlite3_total_changes64(db_->handle());
    if (cache_.stale)
      cache_.renew(*db_);
    for (const auto& changes : batch)
      result.replies.push_back(work.apply(changes));
    work.finish();
    changed = sqlite3_total_changes64(db_->handle()) != before;
    if (!changed) // a claim that found nothing need not wait for the disk
      db_->prepared("ROLLBACK").run();
  } catch (...) {
    roll_back();
    throw;
  }
  result.fact = work.take_fact(changed);
  if (changed)
    return commit_transaction(work, std::move(result));
  next_ = work.next();
  return result;
}

batch_result sqlite_store::commit_transaction(transaction& work,
                                              batch_result result) {
  try {
    db_->prepared("COMMIT").run();
  } catch (const store_error&) {
    cache_.stale = true;
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
    if (db_->number(sql::engine_epoch) != epoch_)
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
  cache_.stale = true;
}

void sqlite_store::maintain() {
  check_place();
  if (wal_pages_ < options_.checkpoint_pages)
    return;
  wal_pages_ = 0;
  // PASSIVE never waits for readers; what it leaves, the next one takes.
  sqlite3_wal_checkpoint_v2(db_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                            nullptr, nullptr);
}

/// A database that was deleted or replaced takes commits that nobody will ever
/// see. Looked at after commits, at most once per second.
void sqlite_store::check_place() {
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_at_ < std::chrono::seconds{1})
    return;
  looked_at_ = now;
  lock_->require_in_place();
}

void sqlite_store::close_cleanly() noexcept {
  try {
    if (db_)
      db_->prepared(sql::close_engine).run(epoch_);
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

} // namespace

} // namespace conductor::sqlite

namespace conductor {

result<std::unique_ptr<store>> open_sqlite_store(const sqlite_options& given) {
  using namespace sqlite;
  auto options = given;
  options.path = resolve_links(given.path);
  try {
    std::error_code failed;
    const auto missing = !std::filesystem::exists(options.path, failed);
    if (failed)
      return fail(errc::io,
                  "cannot open " + given.path + ": " + failed.message());
    if (!options.create && missing)
      return fail(errc::not_found, "no database at " + given.path
                                     + "; name another with --db FILE");
    look_before(options.path);
    auto acquired = engine_lock::acquire(options.path, options.create);
    if (!acquired)
      return tl::unexpected(acquired.error());
    // Held while a new database that could not be finished is removed.
    const auto lock = std::make_shared<engine_lock>(std::move(*acquired));
    try {
      return std::make_unique<sqlite_store>(lock, options);
    } catch (const store_error&) {
      if (lock->created())
        remove_files(options.path);
      throw;
    }
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
