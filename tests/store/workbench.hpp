#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <conductor/event_payload.hpp>
#include <conductor/lifecycle.hpp>
#include <conductor/store.hpp>

#include "tests/store/conformance/conformance.hpp"
#include "tests/support/describe.hpp"

namespace conductor::test {

task_submission leaf(const std::string& name);
/// A parent of `total` children whose item is their index.
task_submission parent(const std::string& name, std::int64_t total);

/// A change set of these parts, in this order.
template <class... Parts>
change_set set_of(Parts... parts) {
  change_set changes;
  (changes.add(std::move(parts)), ...);
  return changes;
}

submission run_of(std::vector<task_submission> tasks,
                  const std::string& idempotency_key = {});
/// Creates children of task 1 in run 1.
expand_parent page(std::int64_t first, std::int64_t count);
/// Asks for at most `tasks` tasks of the handler of `leaf` and `parent`.
claim_tasks claim_of(std::int64_t tasks, std::int64_t limit = 1'000'000);

/// Joins neighbours with everything equal but the tasks. Stores may answer a
/// query for groups with smaller ones.
std::vector<task_group> merged(const std::vector<task_group>& groups);

/// A store with a reader and a clock that stands still until it is moved, and
/// the changes that most cases begin with.
class workbench {
public:
  explicit workbench(const store_factory& make) : workbench(make()) {}
  explicit workbench(std::unique_ptr<store> s)
    : kept(std::move(s)), reader(kept->open_reader()) {}

  batch_result commit(std::vector<change_set> batch);
  batch_result commit(change_set changes);
  commit_reply apply(change_set changes);
  /// Commits one change set of these parts.
  template <class... Parts>
  batch_result commit_parts(Parts... parts) {
    return commit(set_of(std::move(parts)...));
  }
  template <class... Parts>
  commit_reply apply_parts(Parts... parts) {
    return apply(set_of(std::move(parts)...));
  }

  submitted_run submit(std::vector<task_submission> tasks,
                       const std::string& idempotency_key = {});
  /// Creates all children of the run's only parent, which is task 1.
  void submit_children(std::int64_t total);
  /// Creates children of a parent of run 1.
  commit_reply expand(task_key parent, std::int64_t first, std::int64_t count);

  /// A move of run 1, with nothing but what every move needs: retries fall due
  /// after a second.
  move_tasks plan(task_key parent, task_range tasks, task_state from,
                  std::int32_t attempt, task_state to) const;
  commit_reply move(move_tasks m);
  /// Moves to RUNNING tasks that a case wants leased, whatever their turn.
  commit_reply lease(task_key parent, task_range tasks, std::int32_t attempt);
  std::vector<task_group> claim(std::int64_t tasks);

  task_record task(task_key key) { return reader->load_task(key).value(); }
  run_record run(run_key key) { return reader->load_run(key).value(); }
  parent_record progress(task_key parent) {
    return reader->load_parent(parent).value();
  }
  std::vector<task_group> groups(group_query query) {
    return merged(reader->groups(query));
  }

  std::unique_ptr<store> kept;
  std::unique_ptr<store_reader> reader;
  timestamp now = from_ms(1'700'000'000'000);
};

} // namespace conductor::test
