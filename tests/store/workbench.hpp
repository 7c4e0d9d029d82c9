#pragma once

#include <memory>
#include <string>
#include <vector>

#include <conductor/store.hpp>

#include "tests/store/conformance.hpp"
#include "tests/support/describe.hpp"

namespace conductor::test {

task_submission leaf(const std::string& name);
/// A parent of `total` children whose item is their index.
task_submission parent(const std::string& name, std::int64_t total);

/// A store with a reader and a clock that stands still until it is moved, and
/// the changes that most cases begin with.
class workbench {
public:
  explicit workbench(const store_factory& make)
    : kept(make()), reader(kept->open_reader()) {}

  batch_result commit(std::vector<change_set> batch);
  batch_result commit(change_set changes);
  commit_reply apply(change_set changes);

  submitted_run submit(std::vector<task_submission> tasks,
                       const std::string& idempotency_key = {});
  /// Creates all children of the run's only parent, which is task 1.
  void submit_children(std::int64_t total);
  commit_reply expand(task_key parent, std::int64_t first, std::int64_t count);

  /// A move of run 1, with nothing but what every move needs.
  task_move plan(task_key parent, task_range tasks, task_state from,
                 std::int32_t attempt, task_state to) const;
  commit_reply move(task_move m);
  commit_reply lease(task_key parent, task_range tasks, std::int32_t attempt);

  task_record task(task_key key) { return reader->load_task(key).value(); }
  run_record run(run_key key) { return reader->load_run(key).value(); }
  fanout_record fanout(task_key key) {
    return reader->load_fanout(key).value();
  }
  std::vector<lease_record> leases();

  std::unique_ptr<store> kept;
  std::unique_ptr<store_reader> reader;
  timestamp now = from_ms(1'700'000'000'000);
};

} // namespace conductor::test
