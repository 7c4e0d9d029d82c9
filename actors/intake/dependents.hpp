#pragma once

#include <map>
#include <set>

#include <conductor/store.hpp>

namespace conductor {

/// The top-level tasks of a run, and which of them wait for which others.
class dependents {
public:
  dependents(store_reader& reader, run_key run);

  bool skipped(task_key task) const { return skipped_.contains(task); }
  /// The name of a task; "" for one that waits for none.
  std::string name_of(task_key task) const;
  /// The skipped tasks that come along when others are PENDING again: each
  /// names at least one of those, and every other task that it names is open
  /// or has settled as it wants; and so on, down the chain.
  std::set<task_key> reopened_with(const std::set<task_key>& chosen) const;
  /// The tasks that a skipped one waited for and that decided on it.
  std::set<task_key> causes_of(task_key task) const;

private:
  bool comes_along(task_key task, const std::set<task_key>& open) const;

  std::map<task_key, std::vector<dependency>> of_task_;   ///< by `dependent`
  std::map<task_key, std::vector<task_key>> waiting_for_; ///< by `task`
  std::map<task_key, task_state> states_;
  std::map<task_key, std::string> names_;
  std::set<task_key> skipped_;
};

} // namespace conductor
