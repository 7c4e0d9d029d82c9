#define CAF_SUITE apps.bench

#include <nlohmann/json.hpp>

#include "tests/support/program.hpp"

// Each benchmark of the program, small: it ends, its database holds, and the
// promised figures are there. How large they are is for nobody to test.
namespace {

using nlohmann::json;
using orcon::test::bench;

const std::vector<std::string> common{
  "tasks",           "seconds",           "tasks_per_second",
  "rss_peak_mb",     "db_bytes_per_task", "commits",
  "commits_per_task"};

/// `fields` are numbers of the object that a benchmark prints, and so are the
/// common ones.
void check(const std::string& name, const std::string& options,
           std::vector<std::string> fields) {
  CAF_MESSAGE(name);
  const bench b;
  const auto a = b.run("orcon bench " + name + " " + options + " -o json");
  CAF_CHECK_EQUAL(a.code, 0);
  const auto figures = json::parse(a.out, nullptr, false);
  CAF_REQUIRE(figures.is_object());
  CAF_CHECK_EQUAL(figures.value("bench", ""), name);
  CAF_CHECK_EQUAL(figures.value("synchronous", ""), "full");
  CAF_CHECK(figures.value("verified", json()) == true);
  fields.insert(fields.end(), common.begin(), common.end());
  for (const auto& field : fields) {
    const auto value = figures.value(field, json());
    if (!value.is_number() || value.get<double>() < 0)
      CAF_ERROR(name + ": " + field + " is " + value.dump());
  }
  CAF_CHECK_EQUAL(b.files(), "");
}

} // namespace

CAF_TEST(benchmarks of one run report the common figures) {
  check("fanout", "--tasks 3000", {});
  check("exec", "--tasks 10", {});
  check("payload", "--tasks 20",
        {"payload_bytes_per_task", "payload_mb_per_second"});
  check("sleep", "--tasks 30 --workers 10",
        {"slots", "sleep_ms", "busy_share"});
}

CAF_TEST(latency reports both percentiles of each way) {
  std::vector<std::string> fields{"commits_per_run", "loaded_submissions"};
  for (const auto* way :
       {"ack", "start", "done", "parent_done", "loaded_ack", "loaded_start"})
    for (const auto* share : {"_p50_ms", "_p99_ms"})
      fields.push_back(std::string{way} + share);
  check("latency", "--tasks 5 --under-load --load 3000", fields);
}

CAF_TEST(reads reports the reader and what it cost) {
  check("reads", "--tasks 5000",
        {"tasks_per_second_unread", "share_with_reader", "reads",
         "summary_p50_ms", "summary_p99_ms", "page_p50_ms", "page_p99_ms"});
}

CAF_TEST(runs reports both ways of submission) {
  check("runs", "--tasks 30",
        {"singles", "singles_per_second", "single_ack_p50_ms",
         "single_ack_p99_ms", "batch_ack_p50_ms", "batch_ack_p99_ms"});
}

CAF_TEST(an idle engine reports its share of a processor) {
  const bench b;
  const auto a = b.run("orcon bench idle --tasks 10 --seconds 1 -o json");
  CAF_CHECK_EQUAL(a.code, 0);
  const auto figures = json::parse(a.out, nullptr, false);
  CAF_REQUIRE(figures.is_object());
  CAF_CHECK(figures.value("cpu_percent", json()).is_number());
}

CAF_TEST(a database that is there already is left alone) {
  const bench b;
  b.write("mine.db", "mine");
  CAF_CHECK_EQUAL(b.run("orcon bench fanout --tasks 10 --db mine.db").code, 6);
  CAF_CHECK_EQUAL(b.read("mine.db"), "mine");
}

CAF_TEST(a named database stays) {
  const bench b;
  const auto a = b.run("orcon bench fanout --tasks 10 --db new.db -o json");
  CAF_CHECK_EQUAL(a.code, 0);
  b.verify("new.db");
}
