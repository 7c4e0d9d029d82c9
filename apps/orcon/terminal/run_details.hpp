#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <conductor/report.hpp>
#include <conductor/store.hpp>

namespace orcon {

/// What people want to know of a run beyond its summary.
struct run_details {
  /// Leaves settled per second: recently while the run is open, else over all.
  double rate = 0;
  /// How long an open run will take from now, if it continues like that.
  std::optional<conductor::milliseconds> eta;
  /// Top-level tasks without children, at most a thousand.
  std::vector<conductor::task_record> leaves;
  std::map<std::string, std::string> items; ///< of failed tasks, by name

  std::string item_of(const std::string& task) const {
    const auto found = items.find(task);
    return found == items.end() ? std::string{} : found->second;
  }
};

run_details look_closer(conductor::store_reader& reader,
                        const conductor::run_summary& s);

/// For how long nothing has settled in an open run, if that is longer than one
/// would expect.
std::optional<conductor::milliseconds>
standstill_of(const conductor::run_summary& s);

} // namespace orcon
