#include "actors/executor/retry_budgets.hpp"

#include "actors/rules/retry_rules.hpp"

namespace conductor {

std::int64_t retry_budgets::left(run_key run, store_reader& reader) {
  if (const auto known = left_.find(run); known != left_.end())
    return known->second;
  const auto record = reader.load_run(run).value_or(run_record{});
  const auto tasks
    = record.retry_budget.percent > 0 ? reader.count_leaves(run).total() : 0;
  return left_[run] = rules::retries_left(record, tasks);
}

} // namespace conductor
