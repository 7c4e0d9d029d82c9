#include <algorithm>

#include <conductor/metrics.hpp>

namespace conductor {

namespace {

/// Three buckets a decade, from 50 µs to ten minutes: no-ops and long jobs.
const std::vector<double> attempt_bounds{
  0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
  0.2,     0.5,    1,      2,      5,     10,    20,    50,   100,  200,  600};
const std::vector<double> commit_bounds{0.0001, 0.0002, 0.0005, 0.001, 0.002,
                                        0.005,  0.01,   0.02,   0.05,  0.1,
                                        0.2,    0.5,    1,      5};
const std::vector<double> batch_bounds{1,  2,   5,   10,  20,
                                       50, 100, 200, 500, 1000};

metric single(const char* name, const char* help, metric_kind kind,
              double value) {
  return {name, help, kind, {{.value = value}}};
}

metric single(const char* name, const char* help, const histogram& values) {
  return {name, help, metric_kind::histogram, {values.read()}};
}

double number(const std::atomic<std::int64_t>& n) {
  return static_cast<double>(n.load(std::memory_order_relaxed));
}

} // namespace

histogram::histogram(std::vector<double> bounds)
  : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void histogram::observe(double value) {
  const auto place = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<std::size_t>(place - bounds_.begin())].fetch_add(
    1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

sample histogram::read() const {
  sample out{.bounds = bounds_, .sum = sum_.load(std::memory_order_relaxed)};
  for (const auto& n : counts_)
    out.counts.push_back(n.load(std::memory_order_relaxed));
  return out;
}

attempt_metrics::attempt_metrics() : seconds(attempt_bounds) {}

engine_metrics::engine_metrics()
  : commit_seconds(commit_bounds), batch_size(batch_bounds) {}

attempt_metrics& engine_metrics::of_handler(const std::string& handler) {
  const std::lock_guard guard{mutex_};
  auto& slot = handlers_[handler];
  if (!slot)
    slot = std::make_unique<attempt_metrics>();
  return *slot;
}

std::vector<metric> engine_metrics::read() const {
  using enum metric_kind;
  std::vector<metric> out{
    single("orcon_commit_duration_seconds",
           "How long a commit took, fsync included.", commit_seconds),
    single("orcon_commit_batch_size", "Change sets that shared a commit.",
           batch_size),
    single("orcon_writer_waiting", "Change sets that wait for the writer.",
           gauge, number(waiting)),
    single("orcon_writer_credit", "Change sets that may wait beyond those.",
           gauge, number(credit)),
    single("orcon_storage_errors_total", "Commits that the storage refused.",
           counter, number(storage_errors)),
    single("orcon_retries_total", "Retries scheduled by this engine.", counter,
           number(retries)),
    single("orcon_lost_leases_total", "Attempts whose worker was gone.",
           counter, number(lost_leases)),
    single("orcon_late_results_total", "Results refused as too late.", counter,
           number(late_results)),
    single("orcon_subscribers", "Subscribers of events.", gauge,
           number(subscribers)),
    single("orcon_subscriber_lag_events",
           "Events that the slowest subscriber has yet to take.", gauge,
           number(subscriber_lag)),
  };
  metric attempts{"orcon_attempts_total", "Attempts that ended.", counter, {}};
  metric seconds{
    "orcon_attempt_duration_seconds", "How long attempts took.", histogram, {}};
  const std::lock_guard guard{mutex_};
  for (const auto& [handler, figures] : handlers_) {
    auto took = figures->seconds.read();
    if (std::count(took.counts.begin(), took.counts.end(), 0)
        == std::ssize(took.counts))
      continue; // nothing was asked of it
    took.labels = {{"handler", handler}};
    seconds.samples.push_back(std::move(took));
    attempts.samples.push_back(
      {.labels = {{"handler", handler}, {"outcome", "succeeded"}},
       .value = number(figures->succeeded)});
    attempts.samples.push_back(
      {.labels = {{"handler", handler}, {"outcome", "failed"}},
       .value = number(figures->failed)});
  }
  out.push_back(std::move(attempts));
  out.push_back(std::move(seconds));
  return out;
}

} // namespace conductor
