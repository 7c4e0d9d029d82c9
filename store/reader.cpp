#include <conductor/store.hpp>

/// The questions that are asked often, in terms of the queries.
namespace conductor {

namespace {

template <class T>
std::optional<T> only(std::vector<T> found) {
  if (found.empty())
    return std::nullopt;
  return std::move(found.front());
}

} // namespace

std::optional<run_record> store_reader::load_run(run_key run) {
  return run == 0 ? std::nullopt : only(runs({.key = run, .limit = 1}));
}

std::optional<run_key>
store_reader::find_run_by_idempotency_key(const std::string& idempotency_key) {
  if (idempotency_key.empty())
    return std::nullopt;
  const auto run = only(runs({.idempotency_key = idempotency_key, .limit = 1}));
  return run ? std::optional{run->key} : std::nullopt;
}

std::vector<run_record> store_reader::load_open_runs(run_key after,
                                                     std::size_t limit) {
  return runs({.open = true, .after = after, .limit = limit});
}

std::optional<run_key> store_reader::find_run(std::string_view id) {
  const auto parsed = parse_ulid(id);
  const auto key = parsed ? ids().key(id_kind::run, *parsed) : std::nullopt;
  const auto run = key ? load_run(*key) : std::nullopt;
  if (!run || parse_ulid(run->id) != parsed)
    return std::nullopt;
  return run->key;
}

std::optional<task_record> store_reader::load_task(task_key task) {
  return only(tasks({.keys = {task, 1}, .limit = 1}));
}

std::optional<task_key> store_reader::find_task(std::string_view id) {
  const auto parsed = parse_ulid(id);
  const auto key = parsed ? ids().key(id_kind::task, *parsed) : std::nullopt;
  const auto task = key ? load_task(*key) : std::nullopt;
  if (!task || parse_ulid(task->id) != parsed)
    return std::nullopt;
  return task->key;
}

std::optional<parent_record> store_reader::load_parent(task_key parent) {
  return parent == 0 ? std::nullopt
                     : only(parents({.task = parent, .limit = 1}));
}

std::vector<parent_record> store_reader::load_open_parents(task_key after,
                                                           std::size_t limit) {
  return parents({.open = true, .after = after, .limit = limit});
}

std::vector<parent_record> store_reader::list_parents(run_key run) {
  return parents({.run = run});
}

std::vector<task_record> store_reader::list_tasks(const task_filter& filter,
                                                  task_key after,
                                                  std::size_t limit) {
  return tasks({.filter = filter, .after = after, .limit = limit});
}

state_counts store_reader::count_leaves(run_key run) {
  state_counts all;
  for (const auto& handler : count_by_handler(run))
    all += handler.tasks;
  return all;
}

std::int64_t store_reader::count_events(event_kind kind, run_key run,
                                        timestamp since) {
  return count_events(std::vector{kind}, run, since).front();
}

std::optional<timestamp> store_reader::oldest_due(timestamp now) {
  const auto longest
    = groups({.of = group_query::kind::waiting, .now = now, .limit = 1});
  return longest.empty() ? std::nullopt : std::optional{longest.front().due};
}

} // namespace conductor
