#define CAF_SUITE monitor.health

#include <algorithm>

#include <conductor/event_payload.hpp>
#include <conductor/monitor.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

constexpr auto now = from_ms(1'700'000'000'000);

/// What is seen when all is well.
observations calm() {
  observations seen;
  seen.at = now;
  seen.disk_free_bytes = std::uint64_t{1} << 40;
  seen.engine.closed = false;
  return seen;
}

bool names(const health_report& r, const std::string& text) {
  return std::any_of(r.reasons.begin(), r.reasons.end(), [&](const auto& x) {
    return x.what.find(text) != std::string::npos && !x.advice.empty();
  });
}

task_record retried(const std::string& name, const std::string& error,
                    std::int32_t retries) {
  return {.run_id = "R",
          .name = name,
          .state = task_state::retrying,
          .retry_count = retries,
          .last_error = error};
}

} // namespace

CAF_TEST(nothing wrong is HEALTHY) {
  const auto r = assess_health(calm());
  CAF_CHECK(r.status == health::healthy);
  CAF_CHECK(r.reasons.empty());
}

CAF_TEST(each thing that is wrong is a reason of its own) {
  struct {
    const char* what;
    health level;
    void (*spoil)(observations&);
  } const cases[]{
    {"p#3", health::warning,
     [](observations& x) {
       x.stuck = {
         {.id = "T", .name = "p#3", .started_at = now - milliseconds{600'000}}};
     }},
    {"20%", health::warning,
     [](observations& x) { x.failed_attempts = 4, x.succeeded_attempts = 16; }},
    {"60%", health::critical,
     [](observations& x) { x.failed_attempts = 12, x.succeeded_attempts = 8; }},
    {"waited for 2m", health::warning,
     [](observations& x) { x.oldest_due = milliseconds{120'000}; }},
    {"for 5m 3s", health::warning,
     [](observations& x) {
       x.stuck = {
         {.id = "T", .name = "p#3", .started_at = now - milliseconds{303'115}}};
     }},
    {"(12 of 20), 7 of the last 9 with exit: boom", health::critical,
     [](observations& x) {
       x.failed_attempts = 12, x.succeeded_attempts = 8;
       x.cause = {.type = "exit", .message = "boom", .count = 7};
       x.looked_at = 9;
     }},
    {"at least 1000 task(s)", health::warning,
     [](observations& x) {
       x.storms = {{"exit", "no route", "a#1", "R", 1000, 1, true}};
     }},
    {"no engine works", health::warning,
     [](observations& x) { x.engine_runs = false, x.runs_open = 2; }},
    {"retry storm: 30 task(s)", health::warning,
     [](observations& x) {
       x.storms = {{"exit", "no route", "a#1", "R", 30, 1}};
     }},
    {"retried 7 times", health::warning,
     [](observations& x) {
       x.storms = {{"exit", "no route", "a#1", "R", 1, 7}};
     }},
    {"longer than 500ms", health::warning,
     [](observations& x) { x.commit_p99_seconds = 0.5; }},
    {"200000 events behind", health::warning,
     [](observations& x) { x.subscriber_lag = 200'000; }},
    {"write-ahead log", health::warning,
     [](observations& x) { x.wal_bytes = std::int64_t{1} << 30; }},
    {"500 MiB left", health::warning,
     [](observations& x) { x.disk_free_bytes = std::uint64_t{500} << 20; }},
    {"1 MiB left", health::critical,
     [](observations& x) { x.disk_free_bytes = std::uint64_t{1} << 20; }},
  };
  for (const auto& c : cases) {
    auto seen = calm();
    c.spoil(seen);
    const auto r = assess_health(seen);
    CAF_MESSAGE(c.what);
    CAF_CHECK_EQUAL(to_string(r.status), std::string{to_string(c.level)});
    CAF_CHECK_EQUAL(r.reasons.size(), 1u);
    CAF_CHECK(names(r, c.what));
  }
}

CAF_TEST(what is below a threshold is no reason) {
  auto seen = calm();
  seen.failed_attempts = 5; // of five: too few to mean something
  seen.storms = {{"exit", "no route", "a#1", "R", 19, 4}};
  seen.oldest_due = milliseconds{60'000};
  seen.commit_p99_seconds = 0.25;
  CAF_CHECK(assess_health(seen).status == health::healthy);
}

CAF_TEST(without an engine what only it could know is not judged) {
  auto seen = calm();
  seen.engine_runs = false;
  seen.commit_p99_seconds = 9;
  seen.oldest_due = milliseconds{3'600'000};
  const auto r = assess_health(seen);
  CAF_CHECK(r.status == health::healthy);
  CAF_CHECK_EQUAL(r.engine_pid, 0);
}

CAF_TEST(retries are grouped by what their errors say) {
  const auto storms = group_retries({
    retried("a#1", R"({"type":"exit","message":"port 80 refused"})", 2),
    retried("a#2", R"({"type":"exit","message":"port 81 refused"})", 4),
    retried("a#3", R"({"type":"timeout","message":"after 3s"})", 1),
    retried("a#4", "", 0), // a lost lease
  });
  CAF_REQUIRE_EQUAL(storms.size(), 2u);
  CAF_CHECK_EQUAL(storms[0].tasks, 2);
  CAF_CHECK_EQUAL(storms[0].message, "port N refused");
  CAF_CHECK_EQUAL(storms[0].task, "a#2");
  CAF_CHECK_EQUAL(storms[0].most_retries, 4);
  CAF_CHECK_EQUAL(storms[1].type, "timeout");
}

CAF_TEST(every handler may have its own threshold for stuck tasks) {
  const auto db = make_memory_store();
  std::vector<change_set> batch(1);
  batch[0].add(submission{.name = "r",
                          .tasks = {{{.name = "quick", .handler = "noop"}},
                                    {{.name = "slow", .handler = "exec"}}}});
  batch[0].add(claim_tasks{{{"noop", 1}, {"exec", 1}}, 2});
  CAF_REQUIRE_EQUAL(db->commit(batch, now).replies.at(0).granted.size(), 2u);
  const auto reader = db->open_reader();
  const auto stuck = [&](const health_thresholds& limits) {
    std::string found;
    for (const auto& t :
         observe(*reader, "/nowhere/x.db", now + milliseconds{60'000}, limits)
           .stuck)
      found += t.name + " ";
    return found;
  };
  CAF_CHECK_EQUAL(stuck({}), "");
  CAF_CHECK_EQUAL(stuck({.stuck_after = milliseconds{59'999}}), "quick slow ");
  CAF_CHECK_EQUAL(stuck({.stuck_after = milliseconds{1'000},
                         .stuck_after_of = {{"exec", milliseconds{90'000}}}}),
                  "quick ");
  CAF_CHECK_EQUAL(stuck({.stuck_after_of = {{"exec", milliseconds{1'000}}}}),
                  "slow ");
}

CAF_TEST(what waits for its siblings is seen in the tables) {
  const auto db = make_memory_store();
  std::vector<change_set> batch(1);
  task_submission parent{.total = 4};
  parent.spec = {.name = "narrow", .handler = "noop"};
  parent.spec.fanout = {.kind = source_kind::count, .count = 4};
  parent.spec.max_concurrency = 2;
  batch[0].add(submission{.name = "r", .tasks = {parent}});
  batch[0].add(expand_parent{
    .run = new_run, .parent = new_task(0), .first = 1, .count = 4});
  db->commit(batch, now);
  const auto reader = db->open_reader();
  const auto seen_after = [&](std::int64_t ms) {
    return observe(*reader, "/nowhere/x.db", now + milliseconds{ms});
  };
  CAF_CHECK(seen_after(120'000).oldest_due == milliseconds{120'000});
  CAF_CHECK_EQUAL(seen_after(120'000).at_bound, "");
  batch.assign(1, {});
  batch[0].add(claim_tasks{{{"noop", 9}}, 9});
  db->commit(batch, now);
  CAF_CHECK_EQUAL(seen_after(120'000).at_bound, "narrow");
  CAF_CHECK_EQUAL(seen_after(1'000).at_bound, ""); // not long yet
}

CAF_TEST(failures of the window and retries that wait are read) {
  const auto db = make_memory_store();
  std::vector<change_set> batch(1);
  batch[0].add(submission{.name = "r",
                          .tasks = {{{.name = "a", .handler = "noop"}},
                                    {{.name = "b", .handler = "noop"}}}});
  batch[0].add(claim_tasks{{{"noop", 2}}, 2});
  const auto error = R"({"attempt":1,"message":"port 80","type":"exit"})";
  batch[0].add(move_tasks{.run = 1,
                          .tasks = {1, 2},
                          .from = task_state::running,
                          .attempt = 1,
                          .to = task_state::retrying,
                          .delay = milliseconds{60'000},
                          .error = error,
                          .events = {task_failed(1, error, true)}});
  db->commit(batch, now);
  const auto seen
    = observe(*db->open_reader(), "/nowhere/x.db", now + milliseconds{1'000});
  CAF_CHECK_EQUAL(seen.failed_attempts, 2);
  CAF_CHECK_EQUAL(seen.looked_at, 2);
  CAF_CHECK_EQUAL(seen.cause.type, "exit");
  CAF_CHECK_EQUAL(seen.cause.count, 2);
  CAF_REQUIRE_EQUAL(seen.storms.size(), 1u);
  CAF_CHECK_EQUAL(seen.storms[0].tasks, 2);
  CAF_CHECK_EQUAL(seen.storms[0].message, "port N");
}

CAF_TEST(messages that differ in numbers and names only are one) {
  CAF_CHECK_EQUAL(normalise_message("cannot open '/a/b': error 13"),
                  "cannot open '…': error N");
  CAF_CHECK_EQUAL(normalise_message("no /tmp/x here"), "no PATH here");
  failure_grouping grouping;
  grouping.add({R"({"message":"exit 3","type":"exit"})", now, now},
               [] { return "a#1"; });
  const auto before = now - milliseconds{9};
  grouping.add({R"({"message":"exit 4","type":"exit"})", before, before, 4},
               [] { return "a#2"; });
  const auto groups = grouping.take();
  CAF_REQUIRE_EQUAL(groups.size(), 1u);
  CAF_CHECK_EQUAL(groups[0].count, 5);
  CAF_CHECK_EQUAL(groups[0].example, "exit 3");
  CAF_CHECK(groups[0].first == now - milliseconds{9} && groups[0].last == now);
}

CAF_TEST(a parent at its own bound needs no more workers) {
  auto seen = calm();
  seen.oldest_due = milliseconds{120'000};
  CAF_CHECK(assess_health(seen).reasons.at(0).advice.find("--workers")
            != std::string::npos);
  seen.at_bound = "narrow";
  const auto advice = assess_health(seen).reasons.at(0).advice;
  CAF_CHECK(advice.find("--workers") == std::string::npos);
  CAF_CHECK(advice.find("max_concurrency") != std::string::npos);
}
