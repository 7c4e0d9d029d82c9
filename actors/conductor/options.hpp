#pragma once

#include <cstdint>
#include <string>

#include <conductor/error.hpp>
#include <conductor/time.hpp>

namespace conductor {

/// Every limit of an engine, with its default, unit and reason.
struct options {
  std::string database = "orcon.db";
  /// Attempts executed at once (slots). 0 = number of cores.
  unsigned workers = 0;
  /// Children created by one page: large enough that a commit is shared by
  /// many, small enough that other writes get their turn.
  std::int64_t fanout_page = 1000;
  /// Change sets in one transaction.
  std::size_t batch = 1024;
  /// Attempts leased beyond the slots at most, for tasks that are known to take
  /// so little time that all of them begin within 40 ms.
  std::int64_t lease_ahead = 4000;
  /// How long outcomes may wait for others to share a commit with, while the
  /// slots have other work. 0 = never.
  milliseconds gather_time{8};
  /// Tasks leased by one change set.
  std::int64_t claim_page = 1000;
  /// Change sets that may wait for the writer; more are refused.
  std::size_t max_waiting = 10'000;
  /// Lost leases that end a task: it may be what kills its workers.
  std::int32_t max_lost = 10;
  /// A RUNNING task older than this without a heartbeat is stuck.
  milliseconds stuck_after{5 * 60'000};
  /// How often the tables are swept for work whose fact was missed.
  milliseconds sweep_interval{30'000};
  /// How long storage trouble is waited out before writing is tried again.
  milliseconds storage_retry{500};
  /// False: runs are accepted and retried by hand, but none is worked on.
  bool work = true;
  /// False: no task is executed or fanned out; what was cancelled is ended.
  bool execute = true;
  /// Seed of jitter; 0 = random.
  std::uint64_t seed = 0;
  /// Sum of the outputs that a parent with `collect: outputs` may hold.
  std::size_t max_collected_bytes = 16u << 20;
  /// False: a missing database file is an error.
  bool create = true;

  /// What is wrong with these options, if anything.
  error validate() const;
};

} // namespace conductor
