#include <conductor/admin.hpp>

#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor {

namespace {

using sqlite::database;
using sqlite::findings;
using sqlite::statement;

/// What SQLite says of the file, line by line. It may fail itself over what it
/// has found.
template <class Line>
void check_file(database& db, const char* check, Line&& line) {
  try {
    db.prepared(check).each([&](statement& row) {
      if (row.view(0) != "ok")
        line(row.text(0));
    });
  } catch (const store_error& failed) {
    if (failed.why().code != errc::corrupt)
      throw;
    line(failed.why().message);
  }
}

/// Bounds what questions to a damaged file may cost: some of its pages may be
/// part of a tree many times over.
class work_limit {
public:
  explicit work_limit(database& db) : db_(db) {
    constexpr std::int64_t per_page = 200'000, at_least = 50'000'000;
    left_ = (at_least + per_page * db.number("PRAGMA page_count")) / step;
    sqlite3_progress_handler(
      db.handle(), step,
      [](void* left) {
        return --*static_cast<std::int64_t*>(left) < 0 ? 1 : 0;
      },
      &left_);
  }
  ~work_limit() { sqlite3_progress_handler(db_.handle(), 0, nullptr, nullptr); }
  work_limit(const work_limit&) = delete;
  work_limit& operator=(const work_limit&) = delete;

private:
  static constexpr int step = 10'000; ///< instructions of SQLite's machine
  database& db_;
  std::int64_t left_ = 0;
};

/// A check that a damaged file keeps from ending is one more thing that is
/// wrong; the others are made all the same.
template <class Check>
void attempt(findings& out, bool damaged, Check&& check) {
  try {
    check();
  } catch (const store_error& failed) {
    const auto code = failed.why().code;
    if (!damaged && code != errc::corrupt)
      throw;
    out.add("file", failed.why().message);
  } catch (const std::exception& failed) {
    out.add("file", std::string{"a value cannot be read: "} + failed.what());
  }
}

void check_all(database& db, verdict& found,
               const std::function<void(double)>& progress) {
  using namespace sqlite;
  findings out{db, found};
  check_file(db, "PRAGMA integrity_check(20)",
             [&](std::string line) { out.add("file", std::move(line)); });
  attempt(out, false, [&] { check_schema(db, out); });
  const auto damaged = !found.violations.empty();
  std::optional<work_limit> limit;
  if (damaged)
    limit.emplace(db);
  for (auto* check :
       {check_constants, check_keys, check_prunings, check_seqs,
        check_references, check_definitions, check_items, check_waiting})
    attempt(out, damaged, [&] { check(db, out); });
  attempt(out, damaged, [&] { check_runs(db, out, found, progress); });
}

} // namespace

result<verdict> verify_database(const std::string& path,
                                const std::function<void(double)>& progress) {
  try {
    const auto db = sqlite::open_for_reading(path);
    // One snapshot for all of it, or counts and events would disagree while
    // an engine works. It ends with the connection.
    db->execute("BEGIN");
    verdict found;
    check_all(*db, found, progress);
    return found;
  } catch (const store_error& failed) {
    return tl::unexpected(failed.why());
  } catch (const std::exception& failed) {
    return fail(errc::corrupt, path + " cannot be read: " + failed.what());
  }
}

result<std::string> check_database(const std::string& path) {
  try {
    const auto db = sqlite::open_for_reading(path);
    std::string text;
    check_file(*db, "PRAGMA quick_check(20)",
               [&](const std::string& line) { text += line + "\n"; });
    return text;
  } catch (const store_error& failed) {
    return tl::unexpected(failed.why());
  } catch (const std::exception& failed) {
    return fail(errc::corrupt, path + " cannot be read: " + failed.what());
  }
}

} // namespace conductor
