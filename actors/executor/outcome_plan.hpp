#pragma once

#include <optional>
#include <random>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/store.hpp>

#include "actors/executor/attempt_table.hpp"
#include "actors/executor/outcome_queue.hpp"
#include "actors/executor/retry_budgets.hpp"

namespace conductor {

/// Turns outcomes into moves, in the order of their attempts. Neighbours that
/// ended alike become one range, which costs the store as much as one task;
/// those that failed alike share a delay.
class outcome_plan {
public:
  outcome_plan(retry_budgets& budgets, store_reader& reader,
               std::mt19937_64& random)
    : budgets_(budgets), reader_(reader), random_(random) {}

  void add(const grant& g, outcome_queue::entry&& ended);
  /// The moves for all that was added.
  change_set finish();
  /// Retries that were planned.
  std::int64_t retries() const { return retries_; }

private:
  struct range {
    task_group tasks;
    std::shared_ptr<const task_template> origin;
    outcome result; ///< of the first; its output is in `outputs`
    std::optional<milliseconds> ran;
    std::vector<std::string> outputs; ///< of each, or none
  };

  bool join(const grant& g, outcome_queue::entry& ended,
            std::optional<milliseconds> ran);
  void plan();
  void plan_failures();
  void plan_failures(const task_group& tasks, std::vector<std::string> outputs,
                     bool budget_left, double random);

  retry_budgets& budgets_;
  store_reader& reader_;
  std::mt19937_64& random_;
  std::optional<range> last_;
  change_set changes_;
  std::int64_t retries_ = 0;
};

} // namespace conductor
