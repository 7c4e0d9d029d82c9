#include <atomic>
#include <thread>

#include <conductor/monitor.hpp>

#include "apps/orcon/bench/bench.hpp"

// A fan-out alone, then one that a second reader looks at all the while, as a
// person with a dashboard would.
namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

constexpr auto pause = 10ms;
constexpr std::size_t rows_a_page = 50; // what `orcon task list` shows

struct sightings {
  latencies summary, page;
  std::int64_t count = 0;
  error trouble;
};

/// Reads by a connection of its own until `over`.
void look(const std::string& database, const std::string& run_id,
          const std::atomic<bool>& over, sightings& to) {
  const auto reader = open_sqlite_reader(database);
  if (!reader) {
    to.trouble = reader.error();
    return;
  }
  try {
    const auto run = (*reader)->find_run(run_id).value();
    do {
      const auto begin = bench_clock::now();
      summarise(**reader, run, system_now());
      const auto between = bench_clock::now();
      (*reader)->list_tasks({.run = run}, 0, rows_a_page);
      to.page.add(bench_clock::now() - between);
      to.summary.add(between - begin);
      ++to.count;
      std::this_thread::sleep_for(pause);
    } while (!over);
  } catch (const store_error& trouble) {
    to.trouble = trouble.why();
  }
}

run_spec spec_of(std::int64_t tasks) {
  return run_spec{"bench reads"}.task("noop").fanout(tasks);
}

/// Seconds of a fan-out that nobody looks at.
result<double> alone(const bench_request& r, int& code) {
  auto unwatched = r;
  unwatched.common.database += "-alone";
  unwatched.keep = false;
  auto t = trial::open(unwatched);
  if (!t)
    return tl::unexpected(t.error());
  (*t)->engine().start();
  const auto begin = bench_clock::now();
  code = (*t)->work(spec_of(r.tasks));
  return seconds_since(begin);
}

int bench_reads(const bench_request& r) {
  int code = done;
  const auto unread = alone(r, code);
  if (!unread)
    return report_error(unread.error());
  if (code != done)
    return code;
  auto t = trial::open(r);
  if (!t)
    return report_error(t.error());
  const auto begin = bench_clock::now();
  const auto run = (*t)->engine().submit(spec_of(r.tasks));
  if (!run)
    return report_error(run.error());
  std::atomic<bool> over{false};
  sightings seen;
  std::thread reader{[&] { look((*t)->database(), run->id, over, seen); }};
  code = (*t)->wait(run->id);
  const auto seconds = seconds_since(begin);
  over = true;
  reader.join();
  if (seen.trouble)
    return report_error(seen.trouble);
  if (code != done)
    return code;
  ordered_json measured{{"tasks_per_second_unread",
                         rounded(static_cast<double>(r.tasks) / *unread)},
                        {"share_with_reader", rounded(*unread / seconds)},
                        {"reads", seen.count}};
  seen.summary.report(measured, "summary");
  seen.page.report(measured, "page");
  return (*t)->report("reads", {r.tasks, seconds}, measured);
}

} // namespace

command bench_reads_command() {
  return benchmark(
    {.path = "bench reads",
     .summary = "A fan-out of N tasks while a second reader looks on",
     .examples = "orcon bench reads --tasks 50000"},
    1'000'000, bench_reads);
}

} // namespace orcon
