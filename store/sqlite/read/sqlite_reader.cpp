#include "store/sqlite/read/sqlite_reader.hpp"

#include <charconv>

#include <conductor/definition.hpp>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/task_scan.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

namespace {

/// A read transaction, unless there is one.
class transaction_snapshot final : public read_snapshot {
public:
  transaction_snapshot(database& db, int& snapshots)
    : db_(db), snapshots_(snapshots) {
    if (snapshots_ == 0)
      begin();
    ++snapshots_;
  }

  ~transaction_snapshot() override {
    if (--snapshots_ == 0)
      end();
  }

private:
  void begin() {
    db_.execute(sql::begin_read.str());
    try {
      db_.number(
        sql::load_salt); // from here on the transaction sees one commit
    } catch (...) {
      end();
      throw;
    }
  }

  void end() noexcept {
    sqlite3_exec(db_.handle(), sql::end_read.str().c_str(), nullptr, nullptr,
                 nullptr);
  }

  database& db_;
  int& snapshots_;
};

std::int64_t as_limit(std::size_t limit) {
  return static_cast<std::int64_t>(limit); // no_limit becomes -1, which is none
}

} // namespace

sqlite_reader::sqlite_reader(std::unique_ptr<database> db)
  : db_(std::move(db)), ids_(load_ids(*db_)) {}

std::unique_ptr<read_snapshot> sqlite_reader::snapshot() {
  return std::make_unique<transaction_snapshot>(*db_, snapshots_);
}

std::vector<run_record> sqlite_reader::runs(const run_query& query) {
  auto text
    = query.newest_first ? sql::runs_before.str() : sql::runs_after.str();
  if (query.key != 0)
    text += sql::run_is;
  if (!query.idempotency_key.empty())
    text += sql::run_has_key;
  if (query.open)
    text += sql::run_is_open;
  if (!query.states.empty())
    text += " AND state IN (" + code_list(query.states) + ")";
  if (!query.name.empty())
    text += sql::run_has_name;
  if (query.since != no_time)
    text += sql::run_is_since;
  if (query.deadline_by != no_time)
    text += sql::run_is_overdue;
  if (!query.label.empty())
    text += sql::run_has_label;
  text += query.newest_first ? std::string_view{sql::newest_runs}
                             : std::string_view{sql::oldest_runs};
  const auto newest = query.before != 0 ? query.before : INT64_MAX;
  std::vector<run_record> found;
  db_->prepared(text).each(
    [&](statement& row) {
      const auto& run = found.emplace_back(to_run(row));
      if (!query.label.empty() && !readable_json(run.meta))
        throw damaged("run", run.key, "its meta cannot be read");
    },
    query.key, query.newest_first ? newest : query.after, as_limit(query.limit),
    query.idempotency_key, query.name, query.since, query.label,
    query.label_value, query.deadline_by);
  return found;
}

std::vector<parent_record> sqlite_reader::parents(const parent_query& query) {
  auto text = sql::parents_after.str();
  if (query.task != 0)
    text += sql::parent_is;
  if (query.run != 0)
    text += sql::parent_is_of_run;
  if (query.open)
    text += sql::parent_is_open;
  text += sql::parents_by_key;
  std::vector<parent_record> found;
  db_->prepared(text).each(
    [&](statement& row) { found.push_back(to_parent(row)); }, query.task,
    query.after, as_limit(query.limit), query.run);
  return found;
}

std::vector<task_record> sqlite_reader::tasks(const task_query& query) {
  const auto moment = snapshot();
  return task_scan{*db_, ids_, query}.run();
}

std::optional<task_template> sqlite_reader::load_template(task_key task) {
  std::optional<task_template> found;
  const auto take = [&](statement& row) {
    if (row.is_null(1) || row.is_null(3) || row.is_null(4))
      throw damaged("task", task, "its template is missing");
    auto spec = from_stored_text(row.text(4));
    if (!spec)
      throw damaged("task", task, spec.error().message);
    found = {.task = row.integer(3),
             .run = row.integer(0),
             .run_id = row.text(1),
             .created_at = row.time(2),
             .base = row.integer(5),
             .items = row.integer(6),
             .spec = std::move(*spec)};
  };
  db_->prepared(sql::load_template).each(take, task);
  return found;
}

std::optional<task_key> sqlite_reader::find_task(run_key run,
                                                 std::string_view name) {
  const auto moment = snapshot();
  const auto of = sqlite::load_run(*db_, run);
  if (!of)
    return std::nullopt;
  // Names may have a "#" of their own: "a#2" is a top-level task or a child.
  std::vector<std::pair<task_key, std::size_t>> parents;
  std::optional<task_key> found;
  db_->prepared(sql::top_level_names)
    .each(
      [&](statement& row) {
        const auto start = row.view(1);
        if (start == name && !found)
          found = row.integer(0);
        else if (name.starts_with(start) && name.size() > start.size()
                 && name[start.size()] == '#')
          parents.emplace_back(row.integer(0), start.size());
      },
      of->first_task, of->first_task + of->tasks - 1);
  for (std::size_t i = 0; i < parents.size() && !found; ++i)
    found = find_child(parents[i].first, name.substr(parents[i].second));
  return found;
}

/// Follows "#2#5" from a parent: the fifth child of its second child.
std::optional<task_key> sqlite_reader::find_child(task_key parent,
                                                  std::string_view indices) {
  while (!indices.empty()) {
    std::int64_t index = 0;
    const auto* end = indices.data() + indices.size();
    const auto [rest, bad] = std::from_chars(indices.data() + 1, end, index);
    const auto digits = static_cast<std::size_t>(rest - indices.data());
    if (bad != std::errc{} || index < 1 || indices[1] == '0'
        || (rest != end && *rest != '#'))
      return std::nullopt;
    const auto of = sqlite::load_parent(*db_, parent);
    if (!of || index > of->expanded)
      return std::nullopt;
    parent = of->base + index - 1;
    indices.remove_prefix(digits);
  }
  return parent;
}

state_counts sqlite_reader::count_runs() {
  state_counts runs;
  db_->prepared(sql::count_runs).each([&](statement& row) {
    const checked_row values{row, "runs in state", row.integer(0)};
    runs[static_cast<task_state>(values.run_state_in(0))] = row.integer(1);
  });
  return runs;
}

engine_record sqlite_reader::load_engine() {
  std::optional<engine_record> e;
  db_->prepared(sql::load_engine).each([&](statement& row) {
    e = {row.integer(0),
         row.integer(1),
         row.integer(2) != 0,
         row.time(3),
         static_cast<std::uint64_t>(row.integer(4)),
         row.text(5)};
  });
  if (!e)
    throw damaged("engine", 1, "its row is missing");
  return *e;
}

} // namespace conductor::sqlite
