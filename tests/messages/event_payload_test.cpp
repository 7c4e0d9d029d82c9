#define CAF_SUITE messages.event_payload

#include <conductor/event_payload.hpp>

#include <functional>
#include <string>
#include <vector>

#include <conductor/json_text.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

const std::string boom
  = R"({"attempt":2,"message":"it \"burst\"","type":"boom"})";

run_record counted_run() {
  run_record run;
  run.succeeded = 3, run.failed = 1, run.cancelled = 2;
  return run;
}

parent_record counted_parent() {
  parent_record p;
  p.total = 9;
  p.children.succeeded = 4, p.children.failed = 3, p.children.cancelled = 2;
  return p;
}

struct expectation {
  event_entry entry;
  event_kind kind;
  std::string payload; ///< as docs/events.md says
};

std::vector<expectation> run_events() {
  using enum event_kind;
  return {
    {conductor::run_created("a \"b\"", 3), run_created,
     R"({"name":"a \"b\"","tasks":3})"},
    {conductor::run_started(), run_started, "{}"},
    {conductor::run_aggregated(run_state::succeeded, counted_run()),
     run_aggregated,
     R"({"state":"SUCCEEDED","succeeded":3,"failed":1,"cancelled":2})"},
    {conductor::run_aggregated(run_state::failed, counted_run()),
     run_aggregated,
     R"({"state":"FAILED","succeeded":3,"failed":1,"cancelled":2,)"
     R"("reason":"One or more tasks failed"})"},
    {conductor::run_reopened(run_state::cancelled, 7), run_reopened,
     R"({"from":"CANCELLED","tasks":7})"},
    {conductor::run_reopened(run_state::failed, 1, 2), run_reopened,
     R"({"from":"FAILED","tasks":1,"dependents":2})"},
    {conductor::run_cancelled("hand"), run_cancelled, R"({"by":"hand"})"},
    {conductor::run_paused(), run_paused, "{}"},
    {conductor::run_unpaused(), run_unpaused, "{}"},
    {conductor::run_updated(2, from_ms(0) + milliseconds{86'400'000}),
     run_updated, R"({"priority":2,"deadline":"1970-01-02T00:00:00.000Z"})"},
    {conductor::task_updated(count_or_percent{0, 5}, 3, 1), task_updated,
     R"({"tolerate":"5.0%","max_concurrency":3,"priority":1})"},
    {conductor::task_skipped("a", task_state::failed), task_cancelled,
     R"({"reason":"unmet","task":"a","state":"FAILED"})"},
    {conductor::fanout_started(), fanout_started, "{}"},
    {conductor::fanout_detected(12), fanout_detected, R"({"children":12})"},
    {fanout_ended(fanout_completed, 5), fanout_completed, R"({"created":5})"},
    {fanout_ended(fanout_skipped, 0), fanout_skipped, R"({"created":0})"},
    {fanout_ended(fanout_finished, 5), fanout_finished, R"({"created":5})"},
    {conductor::aggregate_started(), aggregate_started, "{}"},
    {conductor::aggregate_finished(4, 1), aggregate_finished,
     R"({"parents":4,"runs":1})"},
    {conductor::retry_started(), retry_started, "{}"},
    {conductor::retry_finished(6), retry_finished, R"({"retried":6})"},
    {conductor::health_changed("HEALTHY", "WARNING", {"slow", "full"}),
     health_changed,
     R"({"from":"HEALTHY","to":"WARNING","reasons":["slow","full"]})"},
  };
}

std::vector<expectation> attempt_events() {
  using enum event_kind;
  return {
    {conductor::task_created("t", -1), task_created, R"({"name":"t"})"},
    {conductor::task_created("t", 0), task_created,
     R"({"name":"t","children":0})"},
    {child_created(), task_created, "{}"},
    {conductor::task_started(3), task_started, R"({"attempt":3})"},
    {conductor::task_succeeded(1), task_succeeded, R"({"attempt":1})"},
    {conductor::task_succeeded(1, milliseconds{25}), task_succeeded,
     R"({"attempt":1,"took_ms":25})"},
    {conductor::task_failed(2, boom, false), task_failed,
     R"({"attempt":2,"error":)" + boom + "}"},
    {conductor::task_failed(2, boom, true, milliseconds{0}), task_failed,
     R"({"attempt":2,"took_ms":0,"error":)" + boom + "}"},
    {conductor::task_retried(2), task_retried, R"({"retry_count":2})"},
    {task_retried_by_hand(2), task_retried, R"({"retry_count":2,"by":"hand"})"},
    {task_retried_after_loss(1, 2), task_retried,
     R"({"retry_count":1,"lost_count":2})"},
    {conductor::task_retries_exhausted(3, 3, reason::max_retries),
     task_retries_exhausted,
     R"({"retry_count":3,"max_retries":3,"because":"max_retries"})"},
    {conductor::task_retries_exhausted(0, -1, reason::non_retryable),
     task_retries_exhausted, R"({"retry_count":0,"because":"non_retryable"})"},
    {conductor::task_cancelled(reason::by_hand), task_cancelled,
     R"({"reason":"hand"})"},
    {conductor::task_aggregated(task_state::succeeded, counted_parent(), ""),
     task_aggregated,
     R"({"state":"SUCCEEDED","total":9,"succeeded":4,"failed":3,)"
     R"("cancelled":2})"},
    {conductor::task_aggregated(task_state::failed, counted_parent(),
                                reason::children_failed),
     task_aggregated,
     R"({"state":"FAILED","total":9,"succeeded":4,"failed":3,"cancelled":2,)"
     R"("reason":"One or more child tasks failed"})"},
    {conductor::task_stuck(2, milliseconds{90'000}), task_stuck,
     R"({"attempt":2,"running_ms":90000})"},
    {conductor::task_lease_expired(2, 1), task_lease_expired,
     R"({"attempt":2,"lost_count":1})"},
    {conductor::task_lease_expired(2, 0, reason::stopped), task_lease_expired,
     R"({"attempt":2,"lost_count":0,"because":"stopped"})"},
    {conductor::task_late_result(1, "cancelled"), task_late_result,
     R"({"attempt":1,"reason":"cancelled"})"},
  };
}

void check(const std::vector<expectation>& expected) {
  for (const auto& e : expected) {
    CAF_CHECK_EQUAL(std::string{to_string(e.entry.kind)},
                    std::string{to_string(e.kind)});
    CAF_CHECK(is_json(e.entry.payload));
    CAF_CHECK_EQUAL(dump(json::parse(e.entry.payload)),
                    dump(json::parse(e.payload)));
    CAF_CHECK(parse_event(e.entry.payload).has_value());
  }
}

event_details details_of(const event_entry& entry) {
  return parse_event(entry.payload).value();
}

} // namespace

CAF_TEST(payloads of runs are as documented) {
  check(run_events());
}

CAF_TEST(payloads of tasks are as documented) {
  check(attempt_events());
}

CAF_TEST(every kind of event has a writer) {
  for (int kind = 0; kind < 256; ++kind) {
    if (!*to_string(static_cast<event_kind>(kind)))
      continue;
    auto written = 0;
    for (const auto& events : {run_events(), attempt_events()})
      for (const auto& e : events)
        written += static_cast<int>(e.entry.kind) == kind;
    CAF_MESSAGE("kind " << kind);
    CAF_CHECK(written > 0);
  }
}

CAF_TEST(only retries promise a time) {
  const auto at = from_ms(1'700'000'000'123);
  const auto retries = task_failed(2, boom, true, milliseconds{7});
  const auto text = payload_text(retries, at);
  CAF_CHECK_EQUAL(text, R"({"attempt":2,"error":)" + boom
                          + R"(,"took_ms":7,"retry_at":")" + to_iso(at)
                          + "\"}");
  CAF_CHECK(parse_event(text)->retry_at == at);
  CAF_CHECK_EQUAL(*parse_event(text)->took_ms, 7);
  const auto over = task_failed(2, boom, false);
  CAF_CHECK_EQUAL(payload_text(over, at), over.payload);
  CAF_CHECK(!parse_event(over.payload)->retry_at);
  CAF_CHECK_EQUAL(payload_text(task_started(1), at), R"({"attempt":1})");
}

CAF_TEST(what was written can be read) {
  CAF_CHECK_EQUAL(details_of(run_created("a \"b\"", 3)).name, "a \"b\"");
  CAF_CHECK_EQUAL(*details_of(run_created("r", 3)).tasks, 3);
  const auto ended
    = details_of(run_aggregated(run_state::failed, counted_run()));
  CAF_CHECK_EQUAL(ended.state, "FAILED");
  CAF_CHECK_EQUAL(ended.because, reason::tasks_failed);
  CAF_CHECK_EQUAL(
    *ended.succeeded * 100 + *ended.failed * 10 + *ended.cancelled, 312);
  CAF_CHECK_EQUAL(details_of(run_reopened(run_state::failed, 2)).from,
                  "FAILED");
  CAF_CHECK_EQUAL(*details_of(task_created("p", 7)).children, 7);
  const auto failed = details_of(task_failed(2, boom, false, milliseconds{9}));
  CAF_CHECK_EQUAL(*failed.attempt, 2);
  CAF_CHECK_EQUAL(*failed.took_ms, 9);
  CAF_CHECK_EQUAL(failed.error, boom);
  CAF_CHECK_EQUAL(failed.error_type, "boom");
  CAF_CHECK_EQUAL(failed.error_message, "it \"burst\"");
  CAF_CHECK_EQUAL(details_of(task_retried_by_hand(1)).by, reason::by_hand);
  CAF_CHECK_EQUAL(*details_of(task_retried_after_loss(1, 4)).lost_count, 4);
  CAF_CHECK_EQUAL(details_of(task_retries_exhausted(1, 1, "x")).because, "x");
  CAF_CHECK_EQUAL(details_of(task_cancelled("why")).because, "why");
  CAF_CHECK_EQUAL(
    *details_of(task_aggregated(task_state::failed, counted_parent(), ""))
       .total,
    9);
  CAF_CHECK_EQUAL(*details_of(task_stuck(1, milliseconds{5})).running_ms, 5);
  CAF_CHECK_EQUAL(
    *details_of(fanout_ended(event_kind::fanout_skipped, 4)).created, 4);
  const auto changed = details_of(health_changed("A", "B", {}));
  CAF_CHECK_EQUAL(changed.from + changed.to, "AB");
  CAF_CHECK(details_of(run_started()) == event_details{});
}

CAF_TEST(text of any kind survives) {
  for (const std::string name : {"\"", "\\", "\n\t", "ä€😀", "}{", "a\\u0000"}) {
    CAF_CHECK_EQUAL(details_of(run_created(name, 1)).name, name);
    CAF_CHECK_EQUAL(details_of(task_cancelled(name)).because, name);
  }
  // Not UTF-8: what cannot be read is replaced, the rest stays.
  const auto broken = details_of(task_created("a\xff", -1)).name;
  CAF_CHECK_EQUAL(broken, "a\xEF\xBF\xBD");
}

CAF_TEST(what is not an object cannot be read) {
  for (const std::string text :
       {"", " ", "null", "1", "\"a\"", "[]", "[{}]", "{", "{\"a\":}", "{}x",
        "{\"a\":1,\"a\":2}", "\xff", "{\"name\":\"\xff\"}", "tru"}) {
    CAF_MESSAGE("text: " << text);
    CAF_CHECK(!parse_event(text));
    CAF_CHECK(!parse_error(text));
    CAF_CHECK_EQUAL(type_of_error(text), "");
  }
  std::string deep(100'000, '[');
  CAF_CHECK(!parse_event(deep));
  CAF_CHECK(!parse_event("{\"error\":" + deep + "}"));
}

CAF_TEST(members of another type count as absent) {
  const auto d = parse_event(
    R"({"name":1,"because":[],"reason":2,"by":{},"state":null,"error":"x",)"
    R"("retry_at":"soon","attempt":"1","children":1.5,"tasks":true,)"
    R"("total":1e400,"failed":-3})");
  // A number out of range is an error of the text.
  CAF_CHECK(!d);
  const auto e = parse_event(
    R"({"name":1,"because":[],"reason":2,"by":{},"state":null,"error":"x",)"
    R"("retry_at":"soon","attempt":"1","children":1.5,"tasks":true,)"
    R"("failed":-3})");
  CAF_REQUIRE(e);
  event_details expected;
  expected.failed = -3;
  CAF_CHECK(*e == expected);
  const auto error = parse_error(R"({"type":1,"message":[],"attempt":"x"})");
  CAF_REQUIRE(error);
  CAF_CHECK_EQUAL(error->type + error->message, "");
  CAF_CHECK_EQUAL(error->attempt, 0);
}

CAF_TEST(numbers beyond 64 bits count as absent or as nothing) {
  const auto d = parse_event(R"({"attempt":18446744073709551615})");
  CAF_CHECK(!d || !d->attempt);
  const auto e = parse_error(R"({"attempt":18446744073709551615})");
  CAF_CHECK(!e || e->attempt == 0);
}

CAF_TEST(damaged payloads never throw) {
  for (const auto& events : {run_events(), attempt_events()})
    for (const auto& e : events) {
      const auto& text = e.entry.payload;
      for (std::size_t n = 0; n < text.size(); ++n) {
        CAF_CHECK(!parse_event(text.substr(0, n)));
        for (const char damage : {'\0', '"', '{', '}', '\\', '\xff', '9'}) {
          auto damaged = text;
          damaged[n] = damage;
          parse_event(damaged); // whatever it says
          parse_error(damaged);
          type_of_error(damaged);
        }
      }
    }
}

CAF_TEST(errors are read) {
  const auto e = parse_error(boom);
  CAF_REQUIRE(e);
  CAF_CHECK_EQUAL(e->type, "boom");
  CAF_CHECK_EQUAL(e->message, "it \"burst\"");
  CAF_CHECK_EQUAL(e->attempt, 2);
  CAF_CHECK_EQUAL(type_of_error(boom), "boom");
  CAF_CHECK_EQUAL(type_of_error("{}"), "");
}
