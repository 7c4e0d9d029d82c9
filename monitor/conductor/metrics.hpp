#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <conductor/store.hpp>

/// Figures for graphs and alarms, with the names and units that Prometheus asks
/// for (https://prometheus.io/docs/practices/naming/).
namespace conductor {

enum class metric_kind : std::uint8_t { counter, gauge, histogram };

/// One value of a metric, told from the others by its labels.
struct sample {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0; ///< of a counter or gauge
  /// Of a histogram: `counts[i]` observations ≤ `bounds[i]` and above the bound
  /// before; the last count has no bound.
  std::vector<double> bounds;
  std::vector<std::int64_t> counts;
  double sum = 0;

  bool operator==(const sample&) const = default;
};

struct metric {
  std::string name; ///< "orcon_commits_total"
  std::string help;
  metric_kind kind = metric_kind::gauge;
  std::vector<sample> samples;

  bool operator==(const metric&) const = default;
};

/// A histogram's quantile (0 … 1), linear within its bucket; 0 if it is empty.
double quantile(const sample& histogram, double share);

/// The text format 0.0.4, as node_exporter's textfile collector reads it.
std::string to_prometheus(const std::vector<metric>& metrics);
/// A JSON array, and back; what cannot be read is left out.
std::string to_text(const std::vector<metric>& metrics);
std::vector<metric> metrics_from_text(std::string_view text);

/// What the tables tell: runs and tasks by state, queue age, sizes; and what
/// the engine says of itself, by default what it last wrote down.
std::vector<metric>
measure(store_reader& reader, const std::string& database, timestamp now,
        std::optional<std::vector<metric>> engine = std::nullopt);

/// How retries went, over all tasks: looks at each of them.
std::vector<metric> measure_retried(store_reader& reader);

/// Counts observations in fixed buckets. Thread-safe, lock-free.
class histogram {
public:
  explicit histogram(std::vector<double> bounds);

  void observe(double value);
  sample read() const;

private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::int64_t>> counts_;
  std::atomic<double> sum_{0};
};

/// How the attempts of one handler went. Thread-safe.
struct attempt_metrics {
  histogram seconds;
  std::atomic<std::int64_t> succeeded{0}, failed{0};

  attempt_metrics();
};

/// What an engine counts of itself while it runs. Thread-safe.
class engine_metrics {
public:
  engine_metrics();

  histogram commit_seconds;
  histogram batch_size;                 ///< change sets that shared a commit
  std::atomic<std::int64_t> waiting{0}; ///< change sets, for the writer
  std::atomic<std::int64_t> credit{0};  ///< that more may wait
  std::atomic<std::int64_t> storage_errors{0};
  std::atomic<std::int64_t> retries{0}, lost_leases{0}, late_results{0};
  std::atomic<std::int64_t> subscribers{0};
  std::atomic<std::int64_t> subscriber_lag{0}; ///< events, of the slowest one

  /// The figures of one handler; they live as long as this does.
  attempt_metrics& of_handler(const std::string& handler);
  std::vector<metric> read() const;

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<attempt_metrics>> handlers_;
};

} // namespace conductor
