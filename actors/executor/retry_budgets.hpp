#pragma once

#include <cstdint>
#include <map>

#include <conductor/store.hpp>

namespace conductor {

/// How many retries the runs may still schedule. A run is loaded at its first
/// failure; from then on the executor counts, since it alone schedules retries.
class retry_budgets {
public:
  /// Retries that a run has left.
  std::int64_t left(run_key run, store_reader& reader);
  /// Retries were planned; `left` was asked before.
  void spend(run_key run, std::int64_t retries) { left_.at(run) -= retries; }
  /// The run has settled.
  void forget(run_key run) { left_.erase(run); }

private:
  std::map<run_key, std::int64_t> left_;
};

} // namespace conductor
