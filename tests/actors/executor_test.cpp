#define CAF_SUITE actors.executor

#include <random>

#include "tests/actors/executor_fixture.hpp"

#include "actors/executor/outcome_queue.hpp"
#include "actors/rules/lease_rules.hpp"
#include "actors/rules/manual_retry_rules.hpp"
#include "store/memory/model.hpp"
#include <conductor/lifecycle.hpp>

using namespace conductor;
using enum task_state;

CAF_TEST_FIXTURE_SCOPE(executor_tests, probe::executor_fixture)

CAF_TEST(tasks are leased up to the slots and settled) {
  spawn(options_of(2), 2);
  commit(run_of({{"a", 5}}));
  CAF_CHECK_EQUAL(children(1).running, 2);
  while (!work->running.empty()) {
    work->end(work->running.front().key, outcome::success());
    consume_messages();
  }
  CAF_CHECK_EQUAL(children(1).succeeded, 5);
  for (const auto& [which, times] : work->starts)
    CAF_CHECK_EQUAL(times, 1);
}

CAF_TEST(top level tasks have their own definitions) {
  spawn(options_of(4), 4);
  commit(run_of({{"a", -1}, {"b", -1}, {"c", -1}}));
  CAF_REQUIRE_EQUAL(work->running.size(), 3u);
  CAF_CHECK_EQUAL(work->running[1].name, "b");
  for (task_key task = 1; task <= 3; ++task)
    work->end({task, 1}, outcome::success());
  consume_messages();
  CAF_CHECK(task(3).state == succeeded);
  // Equal outcomes of neighbours are one event span.
  CAF_CHECK_EQUAL(
    std::ranges::count(db->open_reader()->list_event_spans(1, 0, 99),
                       event_kind::task_succeeded, &event_span::kind),
    1);
}

CAF_TEST(nothing is claimed while nothing has become claimable) {
  spawn(options_of(2), 2);
  commit(run_of({{"a", 1}}));
  work->end({2, 1}, outcome::success());
  consume_messages();
  const auto before = metrics->commit_seconds.read();
  for (int i = 0; i < 50; ++i)
    pass_time(100);
  CAF_CHECK(metrics->commit_seconds.read() == before);
}

namespace {

/// Numbers of the commits that a figure has counted.
std::int64_t observations(const histogram& h) {
  std::int64_t n = 0;
  for (auto count : h.read().counts)
    n += count;
  return n;
}

} // namespace

CAF_TEST(failures alike become one range with one delay) {
  spawn(options_of(1000), 1000);
  task_spec spec;
  spec.retry.jitter = jitter::full;
  commit(run_of({{"a", 1000}}, spec));
  CAF_REQUIRE_EQUAL(work->running.size(), 1000u);
  const auto before = observations(metrics->commit_seconds);
  while (!work->running.empty())
    work->end(work->running.front().key, outcome::failure("exit", "1"));
  consume_messages();
  CAF_CHECK_EQUAL(children(1).retrying, 1000);
  // The outcomes, and a claim that finds nothing: its room had been filled.
  CAF_CHECK_EQUAL(observations(metrics->commit_seconds), before + 2);
  CAF_CHECK_EQUAL(
    std::ranges::count(db->open_reader()->list_event_spans(1, 0, 99),
                       event_kind::task_failed, &event_span::kind),
    1);
  CAF_CHECK_EQUAL(db->open_reader()->load_run(1)->retries, 1000);
  CAF_CHECK(task(2).due_at == task(1001).due_at);
}

CAF_TEST(outputs of neighbours stay with their tasks) {
  spawn(options_of(3), 3);
  commit(run_of({{"a", 3}}));
  for (task_key task = 4; task >= 2; --task)
    work->end({task, 1}, outcome::success(std::to_string(task)));
  consume_messages();
  for (task_key key = 2; key <= 4; ++key)
    CAF_CHECK_EQUAL(task(key).output, std::to_string(key));
}

CAF_TEST(a budget that ends within a range is kept exactly) {
  spawn(options_of(8), 8);
  auto changes = run_of({{"a", 8}});
  std::get<submission>(changes.parts[0]).retry_budget = {3, 0};
  commit(changes);
  while (!work->running.empty())
    work->end(work->running.front().key, outcome{.succeeded = false,
                                                 .output = "7",
                                                 .error_type = "exit",
                                                 .error_message = "1"});
  consume_messages();
  CAF_CHECK_EQUAL(children(1).retrying, 3);
  CAF_CHECK_EQUAL(children(1).failed, 5);
  CAF_CHECK_EQUAL(db->open_reader()->load_run(1)->retries, 3);
  CAF_CHECK_EQUAL(task(9).output, "7");
  CAF_CHECK(parse_event(events("task.retries_exhausted").at(0).payload)->because
            == reason::retry_budget);
}

CAF_TEST(retry counts come with the grants) {
  spawn(options_of(1), 1);
  task_spec spec;
  spec.retry = {.max_retries = 1, .jitter = jitter::none};
  commit(run_of({{"a", 1}}, spec));
  work->end({2, 1}, outcome::failure("exit", "1"));
  consume_messages();
  CAF_REQUIRE(task(2).state == retrying);
  change_set due;
  due.add(move_tasks{.run = 1,
                     .parent = 1,
                     .tasks = {2, 1},
                     .from = retrying,
                     .attempt = 1,
                     .to = pending,
                     .retried = true,
                     .events = {task_retried(1)}});
  commit(due);
  work->end({2, 2}, outcome::failure("exit", "1"));
  consume_messages();
  CAF_CHECK(task(2).state == failed);
  CAF_CHECK(parse_event(events("task.retries_exhausted").at(0).payload)->because
            == reason::max_retries);
}

CAF_TEST(a result that comes too late is recorded and changes nothing) {
  spawn(options_of(1), 1);
  work->obeys = false;
  commit(run_of({{"a", 1}}));
  change_set cancel;
  cancel.add(rules::plan_cancel(
    {.run = 1, .parent = 1, .tasks = {2, 1}, .state = running, .attempt = 1},
    "hand"));
  commit(cancel);
  CAF_REQUIRE_EQUAL(work->stops.size(), 1u);
  CAF_CHECK(work->stops[0].second == stop_reason::cancelled);
  work->end({2, 1}, outcome::success());
  consume_messages();
  CAF_CHECK(task(2).state == cancelled);
  CAF_REQUIRE_EQUAL(events("task.late_result").size(), 1u);
  CAF_CHECK(parse_event(events("task.late_result")[0].payload)->because
            == "cancelled");
  CAF_CHECK_EQUAL(metrics->late_results.load(), 1);
}

CAF_TEST(a timeout settles the task and keeps the slot until the end) {
  spawn(options_of(1), 1);
  work->obeys = false;
  task_spec spec;
  spec.timeout = milliseconds{500};
  spec.retry.max_retries = 0;
  commit(run_of({{"a", 2}}, spec));
  pass_time(400);
  CAF_CHECK_EQUAL(children(1).failed, 0);
  pass_time(101);
  CAF_CHECK(task(2).state == failed);
  CAF_CHECK_EQUAL(type_of_error(task(2).last_error), "timeout");
  CAF_CHECK_EQUAL(children(1).running, 0);
  work->end({2, 1}, outcome::success()); // far too late, and known to be
  consume_messages();
  CAF_CHECK(task(2).state == failed);
  CAF_CHECK_EQUAL(children(1).running, 1);
  CAF_CHECK(events("task.late_result").empty());
}

CAF_TEST(a timeout counts from the beginning of the attempt) {
  spawn(options_of(2), 1); // the second attempt waits within the handler
  task_spec spec;
  spec.timeout = milliseconds{300};
  spec.retry.max_retries = 0;
  commit(run_of({{"a", 2}}, spec));
  pass_time(90);
  work->end({2, 1}, outcome::success());
  consume_messages();
  pass_time(220); // 310 after the lease, 220 after its beginning
  CAF_CHECK(task(3).state == running);
  pass_time(90);
  CAF_CHECK(task(3).state == failed);
}

CAF_TEST(tasks of an engine that is gone are taken over) {
  change_set claim;
  claim.add(claim_tasks{.rooms = {{"work", 3}}, .limit = 3});
  auto before = make_memory_store();
  before->commit(std::vector{run_of({{"a", 3}}), claim}, from_ms(1000));
  db = memory::reopen(std::move(before));
  spawn(options_of(3), 3);
  CAF_CHECK_EQUAL(children(1).running, 3);
  CAF_CHECK_EQUAL(task(2).attempt, 2);
  CAF_CHECK_EQUAL(task(2).lost_count, 1);
  CAF_CHECK_EQUAL(metrics->lost_leases.load(), 3);
}

CAF_TEST(a stop takes back what has not begun and counts no loss) {
  spawn(options_of(4), 1);
  commit(run_of({{"a", 6}}));
  CAF_REQUIRE_EQUAL(work->waiting.size(), 3u);
  auto stopping = send(executor, stop_request{milliseconds{1000}});
  consume_messages();
  CAF_CHECK_EQUAL(children(1).running, 1);
  CAF_CHECK_EQUAL(children(1).pending, 5);
  CAF_CHECK_EQUAL(task(3).lost_count, 0);
  work->end({2, 1}, outcome::success());
  consume_messages();
  std::int64_t unfinished = -1;
  stopping.receive([&](const stopped& s) { unfinished = s.unfinished; },
                   [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
  CAF_CHECK_EQUAL(unfinished, 0);
  CAF_CHECK_EQUAL(children(1).succeeded, 1);
  CAF_CHECK(parse_event(events("task.lease_expired")[0].payload)->because
            == reason::stopped);
}

CAF_TEST(what does not end before a stop loses patience goes back) {
  spawn(options_of(2), 2);
  work->obeys = false;
  commit(run_of({{"a", 2}}));
  auto stopping = send(executor, stop_request{milliseconds{1000}});
  consume_messages();
  pass_time(1000);
  std::int64_t unfinished = -1;
  stopping.receive([&](const stopped& s) { unfinished = s.unfinished; },
                   [&](const caf::error& e) { CAF_FAIL(sys.render(e)); });
  CAF_CHECK_EQUAL(unfinished, 2);
  CAF_CHECK_EQUAL(children(1).pending, 2);
  CAF_CHECK_EQUAL(task(2).lost_count, 0);
  CAF_CHECK(work->stops.at(0).second == stop_reason::shutdown);
}

CAF_TEST(short and long tasks of one handler do not hinder each other) {
  spawn(options_of(2), 2);
  work->lasts = {{"true", 2}, {"sleep", 2000}};
  commit(run_of({{"true", 10}, {"sleep", 40}}));
  std::int64_t crowded_for = 0;
  for (std::int64_t at = 0; at <= 41'000; at += 10) {
    pass_time(10);
    const auto n = children(1).running + children(2).running;
    crowded_for = n > 2 ? crowded_for + 10 : 0;
    CAF_REQUIRE_LESS_OR_EQUAL(crowded_for, 200);
    if (at == 1000)
      CAF_CHECK_EQUAL(children(1).succeeded, 10);
  }
  CAF_CHECK_EQUAL(children(2).succeeded, 40);
  for (const auto& t : leaves({succeeded})) {
    const auto own = t.parent == 1 ? 10 : 2000; // a step of the clock at least
    CAF_CHECK_LESS_OR_EQUAL(
      std::abs((t.updated_at - t.started_at).count() - own), 50);
    CAF_CHECK_EQUAL(t.lost_count, 0);
  }
}

CAF_TEST(quick tasks are leased ahead and those that turn slow are released) {
  spawn(options_of(2), 2);
  work->lasts = {{"a", 5}};
  commit(run_of({{"a", 500}}));
  for (int i = 0; i < 20; ++i)
    pass_time(5);
  CAF_CHECK_GREATER(children(1).running, 4);
  const auto before = observations(metrics->commit_seconds);
  work->lasts = {{"a", 5000}};
  for (int i = 0; i < 16; ++i)
    pass_time(10);
  CAF_CHECK_EQUAL(children(1).running, 2);
  const auto released = events("task.lease_expired");
  CAF_REQUIRE(!released.empty());
  CAF_CHECK(parse_event(released[0].payload)->because == reason::not_begun);
  // And that is the end of it: nothing is leased and released in a circle.
  const auto settled_by = observations(metrics->commit_seconds);
  CAF_CHECK_LESS_OR_EQUAL(settled_by, before + 4);
  for (int i = 0; i < 400; ++i)
    pass_time(10);
  CAF_CHECK_EQUAL(observations(metrics->commit_seconds), settled_by);
  for (const auto& t : leaves({pending}))
    CAF_CHECK_EQUAL(t.lost_count, 0);
}

CAF_TEST(an attempt that waited says when it began) {
  spawn(options_of(2), 1);
  commit(run_of({{"a", 2}}));
  const auto leased = *now;
  pass_time(60);
  work->end({2, 1}, outcome::success());
  consume_messages();
  pass_time(30);
  work->end({3, 1}, outcome::success());
  consume_messages();
  CAF_CHECK_EQUAL(to_ms(task(2).started_at), leased);
  CAF_CHECK_EQUAL(to_ms(task(3).started_at), leased + 60);
  const auto ends = events("task.succeeded");
  CAF_REQUIRE_EQUAL(ends.size(), 2u);
  CAF_CHECK(!parse_event(ends[0].payload)->took_ms);
  CAF_CHECK(parse_event(ends[1].payload)->took_ms == 30);
}

namespace {

/// A parent with `fail_fast`: one child fails, the rest is cancelled, all is
/// retried by hand; at every step anything may happen in between.
struct storm {
  probe::executor_fixture& f;
  std::mt19937 random;

  auto below(std::size_t n) { return random() % n; }

  /// Ends a random attempt, as `mended` says.
  void end_one(bool mended) {
    auto& running = f.work->running;
    if (running.empty())
      return;
    const auto key = running[below(running.size())].key;
    f.work->end(key, mended || key.task != 2 ? outcome::success()
                                             : outcome::failure("exit", "1"));
  }

  /// Moves that the store refuses, as other actors' stale plans are.
  void disturb() {
    const auto task = static_cast<task_key>(2 + below(12));
    change_set stale;
    stale.add(move_tasks{.run = 1,
                         .parent = 1,
                         .tasks = {task, 1},
                         .from = pending,
                         .attempt = 7,
                         .to = running});
    stale.add(rules::plan_cancel({.run = 1,
                                  .parent = 1,
                                  .tasks = {task, 1},
                                  .state = running,
                                  .attempt = 9},
                                 reason::fail_fast));
    f.send(f.writer, stale);
  }

  void step(bool mended) {
    switch (below(4)) {
    case 0: end_one(mended); break;
    case 1: disturb(); break;
    case 2: f.consume_message(); break;
    default: f.pass_time(static_cast<std::int64_t>(below(60)));
    }
  }

  /// Cancels what has not settled, then settles the parent and the run.
  void fail_fast() {
    for (int i = 0; i < 100; ++i) {
      f.consume_messages();
      const auto open = f.db->open_reader()->groups(
        {.of = group_query::kind::unsettled, .parent = 1});
      if (open.empty())
        break;
      change_set cancel;
      for (const auto& group : open)
        cancel.add(rules::plan_cancel(group, reason::fail_fast));
      f.send(f.writer, cancel);
    }
    f.consume_messages();
    change_set end;
    end.add(move_tasks{.run = 1, .tasks = {1, 1}, .to = failed});
    end.add(
      move_run{.run = 1, .from = run_state::running, .to = run_state::failed});
    CAF_REQUIRE(f.commit(end).refusals.empty());
  }

  void retry_by_hand() {
    const auto reader = f.db->open_reader();
    std::vector<task_group> leaves;
    for (const auto& group : reader->groups({.keys = {2, 12}}))
      if (group.state != succeeded)
        leaves.push_back(group);
    const auto reply = f.commit(rules::plan_manual_retry(
      *reader->load_run(1), leaves, {*reader->load_parent(1)}));
    CAF_REQUIRE(reply.refusals.empty());
  }
};

} // namespace

CAF_TEST(every task settles after fail fast and a retry by hand) {
  task_spec spec;
  spec.max_concurrency = 8;
  spec.retry.max_retries = 0;
  spec.on_failure = on_failure::fail_fast;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    CAF_MESSAGE("seed " << seed);
    stop_all();
    db = make_memory_store();
    queue = make_outcome_queue();
    auto opts = options_of(1 + seed % 12);
    opts.claim_page = 1 + seed % 7;
    spawn(opts, 1 + seed % 5);
    commit(run_of({{"map", 12}}, spec));
    storm s{*this, std::mt19937{seed}};
    for (int i = 0; i < 1000 && children(1).failed == 0; ++i)
      s.step(false);
    CAF_REQUIRE_EQUAL(children(1).failed, 1);
    s.fail_fast();
    s.retry_by_hand();
    for (int i = 0; i < 3000 && children(1).succeeded < 12; ++i)
      s.step(true);
    CAF_REQUIRE_EQUAL(children(1).succeeded, 12);
    CAF_CHECK_EQUAL(children(1).running, 0);
    for (const auto& [which, times] : work->starts)
      CAF_CHECK_EQUAL(times, 1);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
