#include "apps/scenarios/scenarios.hpp"

#include <fmt/format.h>

namespace scenarios {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

void all_succeed(driver& d, store_reader&) {
  d.submit("all succeed", 3, 3);
  d.expect("children created", 3, d.pass(role::fanout));
  d.expect("a second pass creates", 0, d.pass(role::fanout));
  for (const auto* task : {"job#1", "job#2", "job#3"})
    d.succeed(task);
  d.expect_task("job", "PENDING");
  d.pass(role::aggregate);
  d.wait_for("run.aggregated");
  d.expect_task("job", "SUCCEEDED");
  d.expect_run("SUCCEEDED");
}

void one_fails(driver& d, store_reader&) {
  d.submit("one fails", 3, 0);
  d.pass(role::fanout);
  d.succeed("job#1");
  d.succeed("job#2");
  d.fail("job#3", "no such file");
  d.expect_task("job#3", "FAILED");
  d.pass(role::aggregate);
  d.expect_task("job", "FAILED");
  d.expect("reason", "true",
           d.task("job").last_error.find("One or more child tasks failed")
               != std::string::npos
             ? "true"
             : "false");
  d.expect_run("FAILED");
}

void partial_completion(driver& d, store_reader&) {
  d.submit("partial completion", 3, 3);
  d.pass(role::fanout);
  d.succeed("job#1");
  d.succeed("job#2");
  d.expect("aggregated", 0, d.pass(role::aggregate));
  d.expect_task("job#3", "PENDING");
  d.expect_task("job", "PENDING");
  d.expect_run("RUNNING");
}

void automatic_retry(driver& d, store_reader&) {
  d.submit("automatic retry", 3, 3);
  d.pass(role::fanout);
  d.succeed("job#1");
  d.fail("job#2", "connection reset");
  d.succeed("job#3");
  d.expect("settled before its retry", "no",
           settled(d.task("job#2").state) ? "yes" : "no");
  d.expect("aggregated meanwhile", 0, d.pass(role::aggregate));
  d.expect("retried before it is due", 0, d.pass(role::retry));
  d.advance(1s);
  d.expect("retried once due", 1, d.pass(role::retry));
  d.expect_task("job#2", "PENDING");
  d.expect("retry_count", 1, d.task("job#2").retry_count);
  d.succeed("job#2");
  d.expect("attempts", 2, d.task("job#2").attempt);
  d.pass(role::aggregate);
  d.expect_task("job", "SUCCEEDED");
  d.expect_run("SUCCEEDED");
}

void exhausted_retries(driver& d, store_reader& reader) {
  d.submit("exhausted retries", 0, 2);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    d.fail("job", fmt::format("attempt {} went wrong", attempt));
    if (attempt == 3)
      break;
    d.advance(1min);
    d.expect("retried", 1, d.pass(role::retry));
  }
  d.advance(1h);
  d.expect("retried after the last attempt", 0, d.pass(role::retry));
  d.expect_task("job", "FAILED");
  d.expect("retry_count", 2, d.task("job").retry_count);
  d.expect("attempts", 3, d.task("job").attempt);
  d.pass(role::aggregate);
  d.expect_run("FAILED");
  d.expect("task.retries_exhausted events", 1,
           reader.count_events(event_kind::task_retries_exhausted, d.run().key,
                               no_time));
}

void show_reports(driver& d, run_key run) {
  const auto health = d.ask<health_report>(health_request{});
  d.tell()(fmt::format("health: {}", to_string(health.status)));
  for (const auto& reason : health.reasons)
    d.tell()(fmt::format("  {}: {}", to_string(reason.level), reason.what));
  d.expect("health", "CRITICAL", to_string(health.status));
  const auto metrics = d.ask<retry_metrics>(retry_metrics_request{run});
  d.tell()(fmt::format("retries: {} task(s) retried, {:.0f}% of them "
                       "succeeded, {} exhausted, {:.2f} attempts on average",
                       metrics.retried, metrics.success_rate() * 100,
                       metrics.exhausted, metrics.average_attempts()));
  d.expect("retried tasks", 2, metrics.retried);
  d.expect("exhausted tasks", 1, metrics.exhausted);
  const auto summary = d.ask<run_summary>(run_summary_request{run});
  d.tell()(fmt::format("summary: {}, {} succeeded, {} failed, after {}",
                       to_string(summary.run.state), summary.tasks.succeeded,
                       summary.tasks.failed, to_text(summary.duration)));
  for (const auto& f : summary.failures)
    d.tell()(fmt::format("  {} x {}: {}", f.count, f.type, f.example));
  d.expect("failure groups", 1, std::ssize(summary.failures));
}

void monitoring(driver& d, store_reader& reader) {
  d.submit("monitoring", 12, 1);
  d.pass(role::fanout);
  for (int i = 1; i <= 10; ++i)
    d.succeed(fmt::format("job#{}", i));
  for (int i = 0; i < 2; ++i) {
    d.fail("job#11", "disk on fire");
    if (i == 0)
      d.fail("job#12", "a hiccup");
    d.advance(1s);
    d.pass(role::retry);
  }
  d.succeed("job#12");
  d.pass(role::aggregate);
  d.expect_run("FAILED");
  const auto run = d.run().key;
  // A storm of failures of another run makes the health critical.
  d.submit("a storm", 20, 0);
  d.pass(role::fanout);
  for (int i = 1; i <= 20; ++i)
    d.fail(fmt::format("job#{}", i), "connection refused");
  show_reports(d, run);
  const auto events
    = reader.list_events({.run = run, .name = "task.retr"}, 0, 100);
  for (const auto& e : events)
    d.tell()(fmt::format("event {:>3}  {:<24} {:<8} {}", e.seq, e.name,
                         e.task_name, e.payload));
  d.expect("events task.retr* of the run", 3, std::ssize(events));
}

} // namespace

const std::vector<scenario>& all() {
  static const std::vector<scenario> list{
    {1, "All tasks succeed", all_succeed},
    {2, "One task fails: its parent and run fail", one_fails},
    {3, "Partial completion: nothing is aggregated early", partial_completion},
    {4, "Automatic retry: success on the second attempt", automatic_retry},
    {5, "Exhausted retries: three attempts, then failed for good",
     exhausted_retries},
    {6, "Monitoring: health, retry metrics, summary, events", monitoring},
  };
  return list;
}

} // namespace scenarios
