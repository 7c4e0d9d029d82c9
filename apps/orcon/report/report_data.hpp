#pragma once

#include <string>
#include <vector>

#include <conductor/report.hpp>
#include <conductor/store.hpp>

#include "apps/orcon/report/report_replay.hpp"

namespace orcon::report {

/// A run with up to this many leaves is drawn with a bar for each.
inline constexpr std::int64_t few = 60;

/// One leaf of a run that has few.
struct bar {
  task_record task;
  std::vector<attempt> attempts;
};

/// All that the page of a run says. Its size does not depend on the number of
/// tasks.
struct run_report {
  timestamp made_at{};
  run_summary summary;
  retry_metrics retries;
  story told;
  std::vector<bar> bars; ///< only if there are few leaves
  std::vector<task_record> slowest;
  std::vector<task_record> most_tried; ///< of `told.most_tried`, same order
  std::vector<task_template> origins;  ///< of the first top-level tasks
};

/// Reads it in pages; `now` is when a run that has not ended is read.
run_report gather(store_reader& reader, run_key run, timestamp now);

} // namespace orcon::report
