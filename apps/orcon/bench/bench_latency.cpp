#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <CLI/CLI.hpp>

#include "apps/orcon/bench/bench.hpp"

// Runs submitted one after another, by one thread, to an engine with nothing
// else to do; and submissions to one that works a large fan-out.
namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

/// Between two submissions beside a fan-out: they are to measure the load, not
/// to be it.
constexpr auto pause = 2ms;

/// When the handler was called, by run.
class start_log {
public:
  void note(const std::string& run_id) {
    const auto now = bench_clock::now();
    const std::lock_guard guard{mutex_};
    times_.emplace(run_id, now);
  }

  std::optional<bench_clock::time_point> of(const std::string& run_id) const {
    const std::lock_guard guard{mutex_};
    const auto found = times_.find(run_id);
    return found == times_.end() ? std::nullopt : std::optional{found->second};
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, bench_clock::time_point> times_;
};

/// Submit → acknowledged, → handler starts, → SUCCEEDED.
struct course {
  latencies ack, start, done;
};

/// Works `count` runs, each when the one before has ended.
int one_by_one(trial& t, const start_log& log, const run_spec& spec,
               std::int64_t count, course& to) {
  for (std::int64_t i = 0; i < count; ++i) {
    const auto begin = bench_clock::now();
    const auto run = t.engine().submit(spec);
    const auto acknowledged = bench_clock::now();
    if (!run)
      return report_error(run.error());
    if (const auto code = t.wait(run->id); code != done)
      return code;
    to.done.add(bench_clock::now() - begin);
    to.ack.add(acknowledged - begin);
    if (const auto started = log.of(run->id))
      to.start.add(*started - begin);
  }
  return done;
}

/// Submits one-task runs for as long as a fan-out takes.
int beside_a_fanout(trial& t, const start_log& log, const run_spec& leaf,
                    std::int64_t load, course& to, std::int64_t& submitted) {
  const auto fanout
    = t.engine().submit(run_spec{"bench load"}.task("noop").fanout(load));
  if (!fanout)
    return report_error(fanout.error());
  std::atomic<int> ended{-1};
  std::thread watcher{[&] { ended = t.wait(fanout->id); }};
  std::vector<std::pair<std::string, bench_clock::time_point>> runs;
  error trouble;
  do {
    const auto begin = bench_clock::now();
    const auto run = t.engine().submit(leaf);
    if (!run) {
      trouble = run.error();
      break;
    }
    to.ack.add(bench_clock::now() - begin);
    runs.emplace_back(run->id, begin);
    std::this_thread::sleep_for(pause);
  } while (ended < 0);
  watcher.join();
  if (trouble)
    return report_error(trouble);
  if (ended != done)
    return ended;
  submitted = std::ssize(runs);
  for (const auto& [id, begin] : runs) {
    if (const auto code = t.wait(id); code != done)
      return code;
    if (const auto started = log.of(id))
      to.start.add(*started - begin);
  }
  return done;
}

int bench_latency(const bench_request& r) {
  start_log log; // outlives the engine, whose handler writes it
  auto opened = trial::open(r);
  if (!opened)
    return report_error(opened.error());
  auto& t = **opened;
  t.engine().handle("probe", [&log](const task_context& task) {
    log.note(task.run_id());
    return outcome::success();
  });
  t.engine().start();
  const auto leaf = run_spec{"bench leaf"}.task("probe");
  const auto parent = run_spec{"bench parent"}.task("probe").fanout(1);

  const auto warm_up = std::min<std::int64_t>(100, r.tasks);
  course ignored, leaves, parents, loaded;
  if (const auto code = one_by_one(t, log, leaf, warm_up, ignored);
      code != done)
    return code;
  const auto commits = t.commits();
  const auto begin = bench_clock::now();
  if (const auto code = one_by_one(t, log, leaf, r.tasks, leaves); code != done)
    return code;
  const auto seconds = seconds_since(begin);
  ordered_json measured{
    {"commits_per_run", rounded(static_cast<double>(t.commits() - commits)
                                / static_cast<double>(r.tasks))}};
  leaves.ack.report(measured, "ack");
  leaves.start.report(measured, "start");
  leaves.done.report(measured, "done");
  if (const auto code = one_by_one(t, log, parent, r.tasks, parents);
      code != done)
    return code;
  parents.done.report(measured, "parent_done");
  auto stored = warm_up + 3 * r.tasks;
  if (r.under_load) {
    std::int64_t submitted = 0;
    const auto code = beside_a_fanout(t, log, leaf, r.load, loaded, submitted);
    if (code != done)
      return code;
    measured["load_tasks"] = r.load;
    measured["loaded_submissions"] = submitted;
    loaded.ack.report(measured, "loaded_ack");
    loaded.start.report(measured, "loaded_start");
    stored += r.load + submitted + 1;
  }
  return t.report("latency", {r.tasks, seconds, stored}, measured);
}

void add_load_options(CLI::App& app, bench_request& r) {
  r.load = 1'000'000;
  app.add_flag("--under-load", r.under_load,
               "Also submit runs while a large fan-out works");
  add_count(app, "--load", r.load, "Tasks of that fan-out");
}

} // namespace

command bench_latency_command() {
  return benchmark(
    {.path = "bench latency",
     .summary = "N one-task runs, one after another",
     .examples = "orcon bench latency --tasks 100 --under-load --load 50000"},
    1000, bench_latency, add_load_options);
}

} // namespace orcon
