#pragma once

#include <map>
#include <memory>
#include <vector>

#include <conductor/store.hpp>

namespace conductor::test {

/// Follows the facts of a store from its first commit and checks that its
/// tables tell the same story, whatever was committed.
class history_audit {
public:
  explicit history_audit(store& s);

  /// Continues with the same store, opened again.
  void follow(store& s);
  /// Checks one answer against the tables. Throws `std::logic_error`.
  void check(const batch_result& result);
  /// Asks every question there is, and counts everything again.
  void check_all(timestamp now);

private:
  void check_runs();
  void check_tasks();
  void check_task(const task_record& task);
  void check_parent(const parent_record& p);
  void check_groups(timestamp now);
  void check_waiting(timestamp now);
  void check_events();
  void check_lists();
  void check_statistics(timestamp now);

  store* store_;
  std::unique_ptr<store_reader> reader_;
  std::uint64_t commits_ = 0;
  timestamp latest_{};
  std::vector<event_span> spans_;
  std::vector<std::uint64_t> hashes_; ///< of `spans_`
  std::map<run_key, std::uint64_t> chains_;
};

} // namespace conductor::test
