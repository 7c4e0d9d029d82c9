#define CAF_SUITE actors.handlers

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include <conductor/builtin_handlers.hpp>

#include "tests/actors/handler_probe.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;
using namespace std::chrono_literals;

namespace {

std::string first_problem(const std::shared_ptr<handler>& h,
                          const json& input) {
  const auto problems = h->check(input);
  return problems.empty() ? "" : to_string(problems.front());
}

outcome run(const std::shared_ptr<handler>& h, attempt work) {
  probe::sink sink;
  const auto task = work.task;
  const auto number = work.number;
  h->start(std::move(work), sink);
  CAF_REQUIRE(sink.wait_for(1));
  return sink.outcome_of(task, number);
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 3000 && !holds(); ++i)
    std::this_thread::sleep_for(10ms);
  return holds();
}

} // namespace

CAF_TEST(an attempt has a name and an input) {
  const auto origin = probe::origin({{"fanout", 3}, {"a", 1}});
  const auto child = probe::child(origin, 2, R"({"x":1})");
  CAF_CHECK_EQUAL(child.name(), "job#2");
  CAF_CHECK_EQUAL(dump(child.input()), R"({"a":1,"index":2,"item":{"x":1}})");
  const auto leaf = probe::leaf(origin);
  CAF_CHECK_EQUAL(leaf.name(), "job");
  CAF_CHECK_EQUAL(dump(leaf.input()), R"({"a":1})");
}

CAF_TEST(outcomes) {
  const auto good = outcome::success("1");
  CAF_CHECK(good.succeeded);
  CAF_CHECK_EQUAL(good.output, "1");
  const auto bad = outcome::failure("t", "m");
  CAF_CHECK(!bad.succeeded);
  CAF_CHECK(bad.retryable);
  CAF_CHECK(bad.error_details.empty());
  CAF_CHECK_EQUAL(bad.error_type + bad.error_message, "tm");
}

CAF_TEST(noop succeeds inline) {
  probe::sink sink;
  const auto noop = make_noop_handler();
  noop->start(probe::leaf(probe::origin(json::object())), sink);
  CAF_CHECK_EQUAL(sink.reports(), 1u);
  CAF_CHECK(sink.outcome_of(100).succeeded);
  CAF_CHECK_EQUAL(sink.outcome_of(100).output, "");
  CAF_CHECK(noop->check({{"anything", 1}}).empty());
}

CAF_TEST(fail fails its first attempts) {
  const auto fail = make_fail_handler();
  auto work = probe::leaf(probe::origin(
    {{"times", 2}, {"type", "teapot"}, {"message", "short and stout"}}));
  for (const int number : {1, 2}) {
    work.number = number;
    const auto o = run(fail, work);
    CAF_CHECK(!o.succeeded);
    CAF_CHECK_EQUAL(o.error_type, "teapot");
    CAF_CHECK_EQUAL(o.error_message, "short and stout");
  }
  work.number = 3;
  CAF_CHECK(run(fail, work).succeeded);
  auto always = probe::leaf(probe::origin(json::object()));
  always.number = 1000;
  CAF_CHECK_EQUAL(run(fail, always).error_type, "fail");
}

CAF_TEST(fail and sleep check their input) {
  const auto fail = make_fail_handler();
  CAF_CHECK_EQUAL(first_problem(fail, {{"times", 2}, {"fanout", 5}}), "");
  CAF_CHECK_EQUAL(first_problem(fail, {{"time", 2}}),
                  "/input/time: unknown field \"time\"; did you mean "
                  "\"times\"?");
  CAF_CHECK_EQUAL(first_problem(fail, {{"times", -1}}),
                  "/input/times: must be a whole number, 0 or more");
  CAF_CHECK(!first_problem(fail, {{"message", 1}}).empty());
  const auto sleep = make_sleep_handler();
  CAF_CHECK_EQUAL(first_problem(sleep, {{"duration", "10ms"}, {"index", 1}}),
                  "");
  CAF_CHECK_EQUAL(first_problem(sleep, json::object()),
                  "/input: needs a \"duration\" such as \"10ms\"");
  CAF_CHECK_EQUAL(first_problem(sleep, {{"duration", "5 parsecs"}}),
                  "/input/duration: \"5 parsecs\" is not a duration (write "
                  "250ms, 5s, 10m or 2h)");
  CAF_CHECK_EQUAL(first_problem(sleep, {{"zzzzzz", 1}}),
                  "/input/zzzzzz: unknown field \"zzzzzz\"; known are "
                  "duration");
}

CAF_TEST(thousands sleep at once) {
  probe::sink sink;
  const auto sleep = make_sleep_handler();
  const auto began = std::chrono::steady_clock::now();
  const auto origin = probe::origin({{"duration", "200ms"}});
  for (int i = 1; i <= 5000; ++i)
    sleep->start(probe::child(origin, i, std::to_string(i)), sink);
  CAF_REQUIRE(sink.wait_for(5000));
  const auto took = std::chrono::steady_clock::now() - began;
  CAF_CHECK(took >= 200ms && took < 60s);
  CAF_CHECK_EQUAL(sink.reports(), 5000u);
}

CAF_TEST(sleepers wake in the order of their times) {
  probe::sink sink;
  const auto sleep = make_sleep_handler();
  const auto slow = probe::origin({{"duration", "1h"}});
  const auto fast = probe::origin({{"duration", "10ms"}});
  sleep->start(probe::child(slow, 1, "1"), sink);
  sleep->start(probe::child(fast, 2, "2"), sink);
  CAF_REQUIRE(sink.wait_for(1));
  CAF_CHECK(sink.outcome_of(102).succeeded);
  sleep->stop({101, 2}, stop_reason::cancelled); // unknown
  sleep->stop({101, 1}, stop_reason::cancelled);
  CAF_CHECK_EQUAL(sink.reports(), 2u);
  CAF_CHECK_EQUAL(sink.outcome_of(101).error_type, "cancelled");
  sleep->start(probe::child(slow, 3, "3"), sink); // left to the destructor
}

CAF_TEST(a function sees its task) {
  auto work = probe::child(probe::origin({{"a", 1}}), 4, "\"it\"");
  work.number = 2;
  const auto h = make_function_handler(
    [](const task_context& t) {
      return outcome::success(
        dump({t.run_id(), t.task_id(), t.name(), t.index(), t.attempt(),
              json::parse(t.item_text()), json::parse(t.input_text()),
              t.cancelled()}));
    },
    1);
  const auto o = run(h, work);
  CAF_CHECK_EQUAL(o.output, R"(["01RUN",")" + work.task_id()
                              + R"(","job#4",4,2,"it",)"
                                R"({"a":1,"index":4,"item":"it"},false])");
}

CAF_TEST(an exception of a function is a failure) {
  const auto leaf = probe::leaf(probe::origin(json::object()));
  const auto thrown = run(
    make_function_handler(
      [](const task_context&) -> outcome { throw std::runtime_error("no"); },
      1),
    leaf);
  CAF_CHECK_EQUAL(thrown.error_type, "exception");
  CAF_CHECK_EQUAL(thrown.error_message, "no");
  const auto odd = run(
    make_function_handler([](const task_context&) -> outcome { throw 5; }, 1),
    leaf);
  CAF_CHECK_EQUAL(odd.error_type, "exception");
}

CAF_TEST(an output that is not JSON is a failure) {
  const auto leaf = probe::leaf(probe::origin(json::object()));
  const auto bad = run(
    make_function_handler(
      [](const task_context&) { return outcome::success("all is well"); }, 1),
    leaf);
  CAF_CHECK(!bad.succeeded);
  CAF_CHECK_EQUAL(bad.error_type, "output");
  CAF_CHECK_NOT_EQUAL(bad.error_message.find("all is well"), std::string::npos);
  const auto cut = run(make_function_handler(
                         [](const task_context&) {
                           return outcome::success(std::string("1\0junk", 6));
                         },
                         1),
                       leaf);
  CAF_CHECK(!cut.succeeded);
  CAF_CHECK_EQUAL(cut.error_type, "output");
}

CAF_TEST(a function runs in no more threads than it may) {
  std::atomic<int> now = 0, most = 0;
  std::mutex mutex;
  std::set<std::thread::id> threads;
  probe::sink sink;
  const auto h = make_function_handler(
    [&](const task_context&) {
      const int n = ++now;
      for (int m = most; n > m && !most.compare_exchange_weak(m, n);)
        ;
      {
        const std::lock_guard guard(mutex);
        threads.insert(std::this_thread::get_id());
      }
      std::this_thread::sleep_for(1ms);
      --now;
      return outcome::success();
    },
    4);
  const auto origin = probe::origin(json::object());
  for (int i = 1; i <= 400; ++i)
    h->start(probe::child(origin, i, "0"), sink);
  CAF_REQUIRE(sink.wait_for(400));
  CAF_CHECK(most <= 4);
  CAF_CHECK(threads.size() <= 4);
  CAF_CHECK_EQUAL(sink.reports(), 400u);
}

CAF_TEST(cancelling a function) {
  std::atomic<bool> running = false;
  probe::sink sink;
  const auto h = make_function_handler(
    [&](const task_context& t) {
      running = true;
      while (!t.cancelled())
        std::this_thread::sleep_for(1ms);
      return outcome::failure("gave-up", "was told to");
    },
    1);
  const auto origin = probe::origin(json::object());
  h->start(probe::child(origin, 1, "0"), sink);
  h->start(probe::child(origin, 2, "0"), sink);
  CAF_REQUIRE(eventually([&] { return running.load(); }));
  h->stop({102, 1}, stop_reason::cancelled); // still in the queue
  CAF_CHECK_EQUAL(sink.reports(), 1u);
  CAF_CHECK_EQUAL(sink.outcome_of(102).error_type, "cancelled");
  h->stop({101, 1}, stop_reason::timeout);
  CAF_REQUIRE(sink.wait_for(2));
  CAF_CHECK_EQUAL(sink.outcome_of(101).error_type, "timeout");
  CAF_CHECK_EQUAL(sink.outcome_of(101).error_message, "was told to");
}

CAF_TEST(a report says when a function really began) {
  probe::sink sink;
  const auto h = make_function_handler(
    [&](const task_context&) {
      std::this_thread::sleep_for(50ms);
      return outcome::success();
    },
    1);
  const auto origin = probe::origin(json::object());
  h->start(probe::child(origin, 1, "0"), sink);
  h->start(probe::child(origin, 2, "0"), sink);
  CAF_CHECK(!h->began_at({102, 1}));
  CAF_REQUIRE(sink.wait_for(2));
  const auto first = sink.time_of(101), second = sink.time_of(102);
  CAF_REQUIRE(first.began && second.began);
  CAF_CHECK(first.busy >= 50ms && second.busy >= 50ms);
  CAF_CHECK(*second.began >= *first.began + first.busy);
}

CAF_TEST(a report says when a sleep really began) {
  probe::sink sink;
  const auto h = make_sleep_handler(1);
  const auto origin = probe::origin({{"duration", "50ms"}});
  h->start(probe::child(origin, 1, "0"), sink);
  h->start(probe::child(origin, 2, "0"), sink);
  h->start(probe::child(origin, 3, "0"), sink);
  CAF_CHECK(h->began_at({101, 1}));
  CAF_CHECK(!h->began_at({103, 1}));
  h->stop({103, 1}, stop_reason::cancelled);
  CAF_REQUIRE(sink.wait_for(3));
  const auto first = sink.time_of(101), second = sink.time_of(102);
  CAF_REQUIRE(first.began && second.began);
  CAF_CHECK(first.busy >= 50ms && second.busy >= 50ms);
  CAF_CHECK(*second.began >= *first.began + 50ms);
  CAF_CHECK(!sink.time_of(103).began);
}

CAF_TEST(only attempts that wait longer are withdrawn) {
  probe::sink sink;
  const auto h = make_sleep_handler(1);
  const auto origin = probe::origin({{"duration", "1h"}});
  for (int i = 1; i <= 3; ++i)
    h->start(probe::child(origin, i, "0"), sink);
  std::this_thread::sleep_for(1ms);
  const auto before = std::chrono::steady_clock::now();
  h->start(probe::child(origin, 4, "0"), sink);
  CAF_CHECK(h->withdraw(before)
            == (std::vector<attempt_key>{{102, 1}, {103, 1}}));
  CAF_CHECK(h->withdraw() == (std::vector<attempt_key>{{104, 1}}));
  h->stop({104, 1}, stop_reason::cancelled); // not its attempt any more
  CAF_CHECK_EQUAL(sink.reports(), 0u);
}

CAF_TEST(the destructor asks functions to stop and reports no more) {
  std::atomic<bool> running = false;
  probe::sink sink;
  {
    const auto h = make_function_handler(
      [&](const task_context& t) {
        running = true;
        while (!t.cancelled())
          std::this_thread::sleep_for(1ms);
        return outcome::success();
      },
      2);
    const auto origin = probe::origin(json::object());
    for (int i = 1; i <= 5; ++i)
      h->start(probe::child(origin, i, "0"), sink);
    CAF_REQUIRE(eventually([&] { return running.load(); }));
  }
  CAF_CHECK_EQUAL(sink.reports(), 0u);
}
