#include <conductor/verify.hpp>

#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor {

namespace {

using sqlite::database;
using sqlite::findings;
using sqlite::statement;

/// What SQLite says of the file's structure, line by line. It may stumble over
/// what it has found already.
template <class Line>
void check_pages(database& db, Line&& line) {
  try {
    db.prepared("PRAGMA quick_check(20)").each([&](statement& row) {
      if (row.text(0) != "ok")
        line(row.text(0));
    });
  } catch (const store_error& trouble) {
    if (trouble.why().code != errc::corrupt)
      throw;
    line(trouble.why().message);
  }
}

/// In a file whose structure is damaged some questions have no answer: that is
/// one thing more that is wrong, and the others are asked all the same.
template <class Check>
void attempt(findings& out, bool damaged, Check&& check) {
  try {
    check();
  } catch (const store_error& trouble) {
    if (!damaged)
      throw;
    out.add("file", trouble.why().message);
  }
}

void check_all(database& db, verdict& found,
               const std::function<void(double)>& progress) {
  using namespace sqlite;
  findings out{db, found};
  check_pages(db, [&](std::string line) { out.add("file", std::move(line)); });
  const auto damaged = !found.violations.empty();
  for (auto* check :
       {check_constants, check_keys, check_definitions, check_children,
        check_counters, check_retries, check_leases, check_waiting})
    attempt(out, damaged, [&] { check(db, out); });
  attempt(out, damaged || !found.violations.empty(), [&] {
    task_walk walk{db, out};
    walk.replay(found.events, progress);
    for (auto* check : {compare_tasks, compare_runs, compare_due, check_items,
                        check_outputs, check_errors, check_parent_outputs})
      attempt(out, damaged, [&] { check(db, walk, out); });
  });
  attempt(out, damaged, [&] {
    found.runs = db.number("SELECT count(*) FROM run_rows");
    found.tasks = db.number("SELECT count(*) FROM task_rows");
  });
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
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

result<std::string> check_database(const std::string& path) {
  try {
    const auto db = sqlite::open_for_reading(path);
    std::string text;
    check_pages(*db, [&](const std::string& line) { text += line + "\n"; });
    return text;
  } catch (const store_error& trouble) {
    return tl::unexpected(trouble.why());
  }
}

} // namespace conductor
