#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <conductor/json_text.hpp>

/// What must come of a run definition, written down from the rules alone: it
/// knows JSON and nothing of the engine.
namespace orcon::test {

/// How often each event is there.
using event_counts = std::map<std::string, std::int64_t>;

struct leaf_prediction {
  std::string name;
  std::string state = "SUCCEEDED";
  std::int64_t retries = 0;
  std::string error_type; ///< of the last failed attempt; "" if none failed
  std::string output;     ///< JSON text; "" = none
};

/// A top-level task: a leaf (one leaf of its own name) or a parent.
struct task_prediction {
  std::string name;
  bool parent = false;
  bool fail_fast = false, collect = false;
  std::int64_t tolerated = 0;
  std::int64_t max_concurrency = 0; ///< 0 = no bound
  std::vector<leaf_prediction> leaves;

  std::int64_t failures() const;
  /// More fail than is tolerated, and the rest is cancelled: which ones is a
  /// matter of time.
  bool trips() const;
};

struct prediction {
  std::vector<task_prediction> tasks;
  std::int64_t leaves = 0;
  std::int64_t retries = 0; ///< that the scripts ask for
  std::int64_t budget = -1; ///< retries allowed; -1 = no bound
  /// Not enough budget for all: who gets it is a matter of time.
  bool short_of_budget() const { return budget >= 0 && budget < retries; }
};

prediction predict(const conductor::json& definition);

/// The events of a leaf that was tried `attempts` times and ended so.
event_counts events_of_leaf(std::int64_t attempts, const std::string& state);

/// Of a parent of so many children.
event_counts events_of_parent(bool empty);

/// The state of a parent with so many children in these states.
std::string state_of_parent(std::int64_t failed, std::int64_t cancelled,
                            std::int64_t tolerated);

} // namespace orcon::test
