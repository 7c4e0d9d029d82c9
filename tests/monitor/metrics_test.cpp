#define CAF_SUITE monitor.metrics

#include <conductor/metrics.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

CAF_TEST(observations fall into the bucket whose bound they do not exceed) {
  histogram h{{1, 10}};
  for (auto value : {0.5, 1.0, 1.5, 10.0, 99.0})
    h.observe(value);
  const auto s = h.read();
  CAF_CHECK_EQUAL(s.counts, (std::vector<std::int64_t>{2, 2, 1}));
  CAF_CHECK_EQUAL(s.sum, 112.0);
}

CAF_TEST(a quantile lies within its bucket) {
  const sample s{.bounds = {1, 10}, .counts = {50, 50, 0}};
  CAF_CHECK_EQUAL(quantile(s, 0.5), 1.0);
  CAF_CHECK_EQUAL(quantile(s, 0.25), 0.5);
  CAF_CHECK_EQUAL(quantile(s, 1.0), 10.0);
  CAF_CHECK_EQUAL(quantile(sample{.bounds = {1}, .counts = {0, 0}}, 0.5), 0.0);
  // Beyond the last bound nothing is known but that.
  CAF_CHECK_EQUAL(quantile(sample{.bounds = {1}, .counts = {0, 3}}, 0.5), 1.0);
}

CAF_TEST(the text format of Prometheus) {
  const std::vector<metric> metrics{
    {"a_total", "A.", metric_kind::counter, {{{{"x", "q\"\\\n"}}, 3}}},
    {"nothing", "No samples.", metric_kind::gauge, {}},
    {"h",
     "H.",
     metric_kind::histogram,
     {{.bounds = {0.5, 1}, .counts = {1, 2, 4}, .sum = 7.5}}}};
  CAF_CHECK_EQUAL(to_prometheus(metrics),
                  std::string{"# HELP a_total A.\n"
                              "# TYPE a_total counter\n"
                              "a_total{x=\"q\\\"\\\\\\n\"} 3\n"
                              "# HELP h H.\n"
                              "# TYPE h histogram\n"
                              "h_bucket{le=\"0.5\"} 1\n"
                              "h_bucket{le=\"1\"} 3\n"
                              "h_bucket{le=\"+Inf\"} 7\n"
                              "h_sum 7.5\n"
                              "h_count 7\n"});
}

CAF_TEST(figures of an engine survive being written down) {
  engine_metrics engine;
  engine.commit_seconds.observe(0.0003);
  engine.batch_size.observe(12);
  engine.retries = 4;
  engine.of_handler("exec").seconds.observe(2);
  engine.of_handler("exec").failed = 1;
  engine.of_handler("never asked");
  const auto metrics = engine.read();
  CAF_CHECK(metrics_from_text(to_text(metrics)) == metrics);
  const auto text = to_prometheus(metrics);
  for (const auto* line :
       {"orcon_commit_duration_seconds_bucket{le=\"0.0005\"} 1\n",
        "orcon_retries_total 4\n",
        "orcon_attempts_total{handler=\"exec\",outcome=\"failed\"} 1\n",
        "orcon_attempt_duration_seconds_sum{handler=\"exec\"} 2\n"})
    CAF_CHECK(text.find(line) != std::string::npos);
  CAF_CHECK(text.find("never asked") == std::string::npos);
}

CAF_TEST(what cannot be read is left out) {
  CAF_CHECK(metrics_from_text("nonsense").empty());
  CAF_CHECK(metrics_from_text(R"([{"name":"x"},7])").empty());
}

CAF_TEST(runs and tasks are counted by state) {
  const auto db = make_memory_store();
  std::vector<change_set> batch(1);
  batch[0].add(
    submission{.name = "r", .tasks = {{{.name = "a", .handler = "noop"}}}});
  batch[0].add(engine_report{
    R"([{"name":"mine","help":"","type":"gauge","samples":[{"labels":{},"value":1}]}])"});
  db->commit(batch, from_ms(1000));
  const auto text = to_prometheus(
    measure(*db->open_reader(), "/nowhere/at-all.db", from_ms(3500)));
  for (const auto* line :
       {"orcon_runs{state=\"PENDING\"} 1\n", "orcon_runs{state=\"FAILED\"} 0\n",
        "orcon_tasks{handler=\"noop\",state=\"PENDING\"} 1\n",
        "orcon_queue_age_seconds 2.5\n", "orcon_commits_total 1\n",
        "orcon_database_bytes 0\n", "mine 1\n"})
    if (text.find(line) == std::string::npos)
      CAF_ERROR("missing: " << line << "in\n" << text);
}
