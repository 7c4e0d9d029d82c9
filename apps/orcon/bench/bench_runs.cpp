#include <algorithm>
#include <thread>

#include <caf/all.hpp>
#include <conductor/actors.hpp>
#include <conductor/submission.hpp>

#include "apps/orcon/bench/bench.hpp"

// Many small runs of one task each: submitted one by one, each acknowledged
// before the next, and a batch of them in one message to the writer.
namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t batch = 1000;

/// One run in this many is submitted on its own: each waits for a commit.
constexpr std::int64_t batched_for_each_single = 10;

run_spec one_task() {
  return run_spec{"bench runs"}.task("noop");
}

/// Until every run is settled.
int wait_for_all(trial& t) {
  const auto reader = t.engine().open_reader();
  if (!reader)
    return report_error(reader.error());
  while (!(*reader)->load_open_runs(0, 1).empty()) {
    if (t.interrupted())
      return interrupted;
    if (t.engine().storage().lost)
      return report_error(t.engine().storage().reason);
    std::this_thread::sleep_for(5ms);
  }
  return done;
}

int submit_singly(trial& t, std::int64_t count, latencies& acks) {
  for (std::int64_t i = 0; i < count && !t.interrupted(); ++i) {
    const auto begin = bench_clock::now();
    const auto run = t.engine().submit(one_task());
    if (!run)
      return report_error(run.error());
    acks.add(bench_clock::now() - begin);
  }
  return t.interrupted() ? interrupted : done;
}

int submit_in_batches(trial& t, std::int64_t count, latencies& acks) {
  const auto writer = t.engine().actors().persistence.lock();
  if (!writer)
    return report_error(t.engine().storage().reason);
  caf::scoped_actor self{writer->home_system()};
  error trouble;
  while (count > 0 && !trouble && !t.interrupted()) {
    // One task without a list: nothing is committed on the way.
    const auto resolved
      = resolve(one_task(), t.engine().context("/"),
                [](const change_set&) { return commit_reply{}; });
    if (!resolved)
      return report_error(resolved.error());
    change_set changes;
    changes.parts.assign(static_cast<std::size_t>(std::min(batch, count)),
                         *resolved);
    count -= batch;
    const auto begin = bench_clock::now();
    self->request(writer, caf::infinite, std::move(changes))
      .receive([&](const commit_reply& reply) { trouble = reply.failed; },
               [&](const caf::error&) {
                 trouble = {errc::stopped, "the engine has stopped"};
               });
    acks.add(bench_clock::now() - begin);
  }
  if (trouble)
    return report_error(trouble);
  return t.interrupted() ? interrupted : done;
}

/// Submits by `way` and waits for the end; seconds for all of it.
template <class Way>
int measure(trial& t, std::int64_t count, Way way, latencies& acks,
            double& seconds) {
  const auto begin = bench_clock::now();
  auto code = way(t, count, acks);
  if (code == done)
    code = wait_for_all(t);
  seconds = seconds_since(begin);
  return code;
}

int bench_runs(const bench_request& r) {
  auto opened = trial::open(r);
  if (!opened)
    return report_error(opened.error());
  auto& t = **opened;
  t.engine().start();
  const auto singles
    = std::max<std::int64_t>(1, r.tasks / batched_for_each_single);
  latencies single_acks, batch_acks;
  double single_seconds = 0, seconds = 0;
  auto code = measure(t, singles, submit_singly, single_acks, single_seconds);
  if (code == done)
    code = measure(t, r.tasks, submit_in_batches, batch_acks, seconds);
  if (code != done)
    return code;
  ordered_json measured{
    {"batch", batch},
    {"singles", singles},
    {"singles_per_second",
     rounded(static_cast<double>(singles) / single_seconds)}};
  single_acks.report(measured, "single_ack");
  batch_acks.report(measured, "batch_ack");
  return t.report("runs", {r.tasks, seconds, r.tasks + singles}, measured);
}

} // namespace

command bench_runs_command() {
  return benchmark(
    {.path = "bench runs",
     .summary = "N runs of one task each, and a tenth of that one by one",
     .examples = "orcon bench runs --tasks 1000"},
    100'000, bench_runs);
}

} // namespace orcon
