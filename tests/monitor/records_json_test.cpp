#define CAF_SUITE monitor.records_json

#include <conductor/filters.hpp>
#include <conductor/records_json.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

CAF_TEST(records become objects in which what is not set is null) {
  run_record run;
  run.id = "R";
  run.meta = R"({"b":1,"a":2})";
  const auto object = to_json(run);
  CAF_CHECK_EQUAL(object["id"], "R");
  CAF_CHECK_EQUAL(object["meta"].dump(), R"({"b":1,"a":2})"); // keeps the order
  CAF_CHECK(object["started_at"].is_null());
  CAF_CHECK(object["idempotency_key"].is_null());
  task_record task;
  task.input = "{"; // of a damaged database
  const auto damaged = to_json(task);
  CAF_CHECK_EQUAL(damaged["input"], "{");
  CAF_CHECK(damaged["output"].is_null());
}

CAF_TEST(a summary has an entry for each group) {
  run_summary s;
  s.failures.push_back({.type = "exit", .message = "m", .count = 3});
  s.parents.emplace_back().name = "p";
  s.fanouts.emplace_back().children.failed = 2;
  s.passes.push_back({"retry", 7});
  const auto object = to_json(s);
  CAF_CHECK_EQUAL(object["failures"][0]["count"], 3);
  CAF_CHECK_EQUAL(object["parents"][0]["children"]["failed"], 2);
  CAF_CHECK_EQUAL(object["passes"]["retry"], 7);
  CAF_CHECK(object["retry"]["average_attempts"].is_null());
  CAF_CHECK(object["last_settled_at"].is_null());
}

CAF_TEST(texts of filters) {
  CAF_CHECK_EQUAL(task_states_of("failed")->size(), 2u); // also to be retried
  CAF_CHECK(task_states_of("")->empty());
  const auto state = run_states_of("x");
  CAF_CHECK_EQUAL(state.error().message,
                  "\"x\" is not a state; the states are PENDING, RUNNING, "
                  "SUCCEEDED, FAILED and CANCELLED");
  CAF_CHECK(moment_of("") == no_time);
  CAF_CHECK(moment_of("2026-11-23") == moment_of("2026-11-23T00:00:00.000Z"));
  CAF_CHECK(!moment_of("soon"));
  CAF_CHECK(duration_from("2h") == milliseconds{7'200'000});
  const auto duration = duration_from("2");
  CAF_CHECK_EQUAL(duration.error().message,
                  "\"2\" is not a duration; write 30s, 5m or 2h");
  CAF_CHECK_EQUAL(exactly("a*[b]?"), "a[*][[]b][?]");
  run_query query;
  CAF_CHECK(add_label(query, "owner=a=b"));
  CAF_CHECK_EQUAL(query.label_value, "a=b");
  CAF_CHECK(!add_label(query, "=x"));
}
