#include <algorithm>
#include <map>
#include <unordered_map>

#include "store/sqlite/read/rows.hpp"
#include "store/sqlite/read/sqlite_reader.hpp"
#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/queries.hpp"

namespace conductor::sqlite {

namespace {

/// Throws if a segment was summed up that cannot be. `column`: smallest number
/// of tasks, then the largest.
void check_counts(const statement& row, int column) {
  if (!row.is_null(column)
      && (row.integer(column) < 1 || row.integer(column + 1) > max_span))
    throw damaged("segments", row.integer(column + 1),
                  "a number of tasks is out of range");
}

/// Leaves by handler, while they are counted.
class handler_sums {
public:
  explicit handler_sums(database& db) : db_(db) {}

  void add_parents(run_key run) {
    auto text = sql::parent_sums.str();
    if (run != 0)
      text += sql::parent_of_run;
    db_.prepared(text).each([&](statement& row) { add_parent(row); }, run);
  }

  /// Adjacent blocks are read at once: a run may have a single task.
  void add_top_level(run_key run) {
    task_range keys{1, 0};
    db_
      .prepared(run != 0 ? std::string_view{sql::top_level_block_of_run}
                         : std::string_view{sql::top_level_blocks})
      .each(
        [&](statement& row) {
          const auto block = checked_row{row, "block", row.integer(0)}.range(
            0, largest_key, true);
          if (block.first != keys.end()) {
            add_leaves(keys);
            keys = {block.first, 0};
          }
          keys.count += block.count;
        },
        run);
    add_leaves(keys);
  }

  std::vector<handler_count> by_name() const {
    std::map<std::int64_t, std::string> names;
    db_.prepared(sql::handler_names).each([&](statement& row) {
      names.emplace(row.integer(0), row.text(1));
    });
    std::vector<handler_count> out;
    for (const auto& [handler, tasks] : sums_) {
      const auto name = names.find(handler);
      if (name == names.end())
        throw damaged("handler", handler, "its row is missing");
      out.push_back({name->second, tasks});
    }
    std::ranges::sort(out, {}, &handler_count::handler);
    return out;
  }

private:
  void add_parent(const statement& row) {
    const auto parent = to_parent(row);
    if (row.is_null(15))
      throw damaged("parent", parent.task, "its template is missing");
    sums_[row.integer(15)] += parent.children;
  }

  void add_leaves(task_range keys) {
    if (keys.count < 1)
      return;
    db_.prepared(sql::leaf_counts)
      .each(
        [&](statement& row) {
          const checked_row values{row, "task", row.integer(0)};
          sums_[row.integer(2)][values.state(3)]
            += values.range(0, max_span).count;
        },
        keys.first, keys.end() - 1);
  }

  database& db_;
  std::map<std::int64_t, state_counts> sums_;
};

} // namespace

std::vector<handler_count> sqlite_reader::count_by_handler(run_key run) {
  const auto moment = snapshot();
  handler_sums sums{*db_};
  sums.add_parents(run);
  sums.add_top_level(run);
  return sums.by_name();
}

retry_metrics sqlite_reader::measure_retries(run_key run) {
  const auto moment = snapshot();
  const auto leaves = count_leaves(run);
  retry_metrics m;
  m.exhausted = leaves.failed;
  m.settled = m.attempts = leaves.settled();
  auto text = sql::retry_sums.str();
  text += run != 0 ? std::string_view{sql::leaves_of_run}
                   : std::string_view{sql::leaves_of_all};
  text += sql::of_many_attempts;
  db_->prepared(text).each(
    [&](statement& row) {
      check_counts(row, 0);
      m.retried = row.integer(2);
      m.retried_succeeded = row.integer(3);
      m.retried_settled = row.integer(4);
      m.attempts += row.integer(5);
    },
    run);
  return m;
}

std::vector<error_count> sqlite_reader::count_errors(run_key run,
                                                     std::size_t limit) {
  auto text = sql::with_error_texts.str();
  text += run != 0 ? std::string_view{sql::leaves_of_run}
                   : std::string_view{sql::leaves_of_all};
  text += sql::failures_by_error;
  std::unordered_map<std::string, error_count> by_text;
  const auto add = [&](statement& row) {
    if (row.is_null(0))
      throw damaged("error", row.integer(1), "its text is missing");
    check_counts(row, 2);
    const auto first = row.time(6), last = row.time(7);
    auto& e = by_text
                .try_emplace(row.text(0),
                             error_count{{}, 0, 0, first, last, row.integer(8)})
                .first->second;
    e.failed += row.integer(4);
    e.retrying += row.integer(5);
    e.first = std::min(e.first, first);
    e.last = std::max(e.last, last);
    e.task = std::min(e.task, row.integer(8));
  };
  db_->prepared(text).each(add, run);
  std::vector<error_count> found;
  while (!by_text.empty()) {
    auto node = by_text.extract(by_text.begin());
    node.mapped().error = std::move(node.key());
    found.push_back(std::move(node.mapped()));
  }
  std::ranges::sort(found, [](const auto& x, const auto& y) {
    const auto a = x.failed + x.retrying, b = y.failed + y.retrying;
    return a != b ? a > b : x.task < y.task;
  });
  found.resize(std::min(found.size(), limit));
  return found;
}

} // namespace conductor::sqlite
