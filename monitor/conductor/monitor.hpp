#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <conductor/contracts.hpp>
#include <conductor/metrics.hpp>
#include <conductor/report.hpp>
#include <conductor/store.hpp>

namespace caf {
class actor_system;
}

/// What the numbers mean. `observe` reads, `assess_health` judges: a pure
/// function of what was read.
namespace conductor {

/// Where HEALTHY ends.
struct health_thresholds {
  milliseconds stuck_after{5 * 60'000}; ///< RUNNING without a sign of life
  std::map<std::string, milliseconds> stuck_after_of; ///< by handler
  milliseconds window{5 * 60'000};                    ///< of the failure rate
  double warning_failure_rate = 0.1; ///< of attempts in the window
  double critical_failure_rate = 0.5;
  std::int64_t least_attempts = 10; ///< below it a rate says nothing
  milliseconds warning_due{60'000}; ///< oldest due leaf
  std::int64_t storm_tasks = 20;    ///< that wait for a retry with one error
  std::int32_t storm_retries = 5; ///< of one task, which will be retried again
  double warning_commit_seconds = 0.25; ///< 99 of 100 commits are faster
  std::int64_t warning_lag = 100'000;   ///< events a subscriber is behind
  std::int64_t warning_wal_bytes = 256ll << 20;
  std::uint64_t warning_disk_bytes = 1ull << 30; ///< free
  std::uint64_t critical_disk_bytes = 64ull << 20;
};

/// What was read for a health report.
struct observations {
  timestamp at{};
  state_counts tasks;
  std::int64_t runs_open = 0;
  std::vector<task_record> stuck;
  std::int64_t failed_attempts = 0, succeeded_attempts = 0; ///< in the window
  failure_group cause; ///< most frequent among the last failures of the window
  std::int64_t looked_at = 0; ///< at so many of them
  std::string cause_run;      ///< id of the run of its example
  milliseconds oldest_due{0};
  std::string at_bound; ///< a parent whose children wait for max_concurrency
  std::vector<retry_storm> storms; ///< all groups, also small ones
  double commit_p99_seconds = 0;
  std::int64_t subscriber_lag = 0;
  engine_record engine;
  bool engine_runs = true; ///< the process of `engine` is there
  std::int64_t database_bytes = 0, wal_bytes = 0;
  std::uint64_t disk_free_bytes = ~std::uint64_t{0};
};

observations observe(store_reader& reader, const std::string& database,
                     timestamp now, const health_thresholds& limits = {});
health_report assess_health(const observations& seen,
                            const health_thresholds& limits = {});

/// A run told in numbers. The run must exist.
run_summary summarise(store_reader& reader, run_key run, timestamp now,
                      const health_thresholds& limits = {});

/// Equal failures: how many there are, and when the first and the last
/// happened.
struct failures {
  std::string error; ///< JSON text
  timestamp first{}, last{};
  std::int64_t count = 1;
};

/// Groups failures by their messages without numbers, ids and quoted texts. The
/// number of groups is bounded: messages beyond it share one group.
class failure_grouping {
public:
  /// Adds failures; the name of their task is asked for where they become the
  /// example of a group.
  void add(const failures& equal, const std::function<std::string()>& name);
  /// Most frequent first.
  std::vector<failure_group> take();

private:
  failure_group& group_of(const std::string& error);

  std::map<std::pair<std::string, std::string>, failure_group> groups_;
  /// Texts without their numbers that were seen: they need not be read again.
  std::unordered_map<std::string, failure_group*> known_;
  std::size_t known_bytes_ = 0;
  std::string last_; ///< equal ones often come in a row
  failure_group* last_group_ = nullptr;
};

/// Tasks of a run (0 = of all) that have been RUNNING for too long, oldest
/// first, at most 100.
std::vector<task_record> find_stuck(store_reader& reader, run_key run,
                                    timestamp now,
                                    const health_thresholds& limits = {});

std::vector<retry_storm> group_retries(const std::vector<task_record>& waiting);
std::string normalise_message(std::string_view message);

/// What the monitor actor is given.
struct monitor_context {
  std::function<std::unique_ptr<store_reader>()> open_reader;
  clock_fn clock;
  persistence_actor writer; ///< for `task.stuck` and `health.changed`
  std::string database;
  health_thresholds thresholds;
  std::shared_ptr<engine_metrics> metrics;
  milliseconds interval{10'000};
};

/// Looks at the engine every `interval`, once it has been sent the first
/// `observe_tick`: reports each stuck attempt once, and every change of the
/// health. Summaries may take long: give it a thread.
monitor_actor spawn_monitor(caf::actor_system& sys, placement where,
                            monitor_context context);

} // namespace conductor
