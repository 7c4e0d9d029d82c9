#define CAF_SUITE actors.engine

#include <conductor/engine.hpp>
#include <conductor/metrics.hpp>
#include <conductor/store.hpp>
#include <conductor/submission.hpp>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include <unistd.h>

#include <caf/test/unit_test.hpp>

using namespace conductor;
using namespace std::chrono_literals;

// The whole engine on a file, with its own threads.
namespace {

struct folder {
  std::filesystem::path path = std::filesystem::temp_directory_path()
                               / ("orcon-engine-" + std::to_string(::getpid()));
  folder() { std::filesystem::create_directories(path); }
  ~folder() { std::filesystem::remove_all(path); }
  std::string database() const { return (path / "a.db").string(); }
};

engine open(const options& opts) {
  auto opened = engine::open(opts);
  if (!opened)
    CAF_FAIL(opened.error().message);
  return std::move(*opened);
}

std::string state_of(engine& e, const submitted_run& run) {
  const auto state = e.wait(run.id, 20'000ms);
  return state ? to_string(*state) : state.error().message;
}

} // namespace

CAF_TEST(a handler without room hides no other) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 1, .claim_page = 2});
  std::promise<void> release;
  auto released = release.get_future().share();
  e.handle("blocked", [released](const task_context&) {
    released.wait();
    return outcome::success();
  });
  run_spec slow{"slow"};
  for (int i = 0; i < 10; ++i)
    slow.task("blocked", "b" + std::to_string(i));
  const auto first = e.submit(slow);
  const auto second = e.submit(run_spec{"quick"}.task("noop"));
  CAF_REQUIRE(first && second);
  // None of the ten has ended, and only one of them can be under way. Before
  // the monitor's first look, which would wake everybody up.
  const auto quick = e.wait(second->id, 5'000ms);
  CAF_CHECK(quick && *quick == run_state::succeeded);
  CAF_CHECK_EQUAL(std::int64_t{e.report(first->id)->tasks.succeeded}, 0);
  release.set_value();
  CAF_CHECK_EQUAL(state_of(e, *first), "SUCCEEDED");
}

CAF_TEST(no type of failure means more to the engine than to its handler) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 2});
  e.handle("odd", [](const task_context& task) {
    const char* types[]{"shutdown", "timeout", "cancelled", "lease_expired"};
    return outcome::failure(types[task.index() % 4], "says the handler");
  });
  run_spec spec{"odd"};
  spec.task("odd").fanout(8);
  spec.tasks.back().retry.max_retries = 0;
  const auto run = e.submit(spec);
  CAF_REQUIRE(run);
  CAF_CHECK_EQUAL(state_of(e, *run), "FAILED");
  CAF_CHECK_EQUAL(std::int64_t{e.report(run->id)->tasks.failed}, 8);
}

CAF_TEST(what failed is tried again by hand while the engine runs) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 2});
  std::atomic<bool> healed{false};
  e.handle("ill", [&](const task_context& task) {
    return healed || task.index() % 2 == 0 ? outcome::success()
                                           : outcome::failure("ill", "not yet");
  });
  run_spec spec{"ill"};
  spec.task("ill").fanout(6);
  spec.tasks.back().retry.max_retries = 0;
  const auto run = e.submit(spec);
  CAF_REQUIRE(run);
  CAF_CHECK_EQUAL(state_of(e, *run), "FAILED");
  CAF_CHECK(!e.retry(run->id, {.error = "another type"}));
  healed = true;
  const auto retried = e.retry(run->id);
  CAF_REQUIRE(retried);
  CAF_CHECK_EQUAL(retried->tasks, 3);
  CAF_CHECK_EQUAL(state_of(e, *run), "SUCCEEDED");
  const auto again = e.retry(run->id);
  CAF_REQUIRE(!again);
  CAF_CHECK(again.error().code == errc::conflict);
}

CAF_TEST(figures are written down when the engine stops) {
  folder dir;
  {
    auto e = open({.database = dir.database(), .workers = 2});
    CAF_CHECK(e.has_handler("noop"));
    CAF_CHECK(!e.has_handler("another"));
    const auto run = e.submit(run_spec{"r"}.task("noop").fanout(100));
    CAF_REQUIRE(run);
    CAF_CHECK_EQUAL(state_of(e, *run), "SUCCEEDED");
    e.stop();
  }
  const auto reader = open_sqlite_reader(dir.database());
  CAF_REQUIRE(reader);
  const auto engine = (*reader)->load_engine();
  CAF_CHECK(engine.closed);
  const auto text = to_prometheus(metrics_from_text(engine.report));
  const std::string line
    = "orcon_attempts_total{handler=\"noop\",outcome=\"succeeded\"} 100\n";
  if (text.find(line) == std::string::npos)
    CAF_ERROR(line << "is not in\n" << text);
  // What is to be kept is in the one file.
  CAF_CHECK(!std::filesystem::exists(dir.database() + "-wal")
            || std::filesystem::file_size(dir.database() + "-wal") == 0);
}

namespace {

/// A fan-out whose first tasks take no time, so that many are leased ahead, and
/// whose others take `time`.
run_spec slow_behind_quick(engine& e, milliseconds time, std::int64_t slow,
                           std::shared_ptr<std::atomic<int>> begun) {
  e.handle("mixed", [=](const task_context& task) {
    if (task.index() > 500) {
      ++*begun;
      std::this_thread::sleep_for(time);
    }
    return outcome::success();
  });
  run_spec spec{"mixed"};
  spec.task("mixed").fanout(500 + slow);
  spec.tasks.back().retry.max_retries = 0;
  return spec;
}

} // namespace

CAF_TEST(the time that an attempt waits for its turn is not its own) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 1});
  auto begun = std::make_shared<std::atomic<int>>(0);
  auto spec = slow_behind_quick(e, 60ms, 10, begun);
  spec.tasks.back().timeout = 300ms;
  const auto run = e.submit(spec);
  CAF_REQUIRE(run);
  CAF_CHECK_EQUAL(state_of(e, *run), "SUCCEEDED");
}

CAF_TEST(a timeout says how long the time was) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 1});
  run_spec spec{"short"};
  spec.task("sleep");
  spec.tasks.back().input = R"({"duration":"9s"})";
  spec.tasks.back().timeout = 50ms;
  spec.tasks.back().retry.max_retries = 0;
  const auto run = e.submit(spec);
  CAF_REQUIRE(run);
  CAF_CHECK_EQUAL(state_of(e, *run), "FAILED");
  const auto task = (*e.open_reader())->load_task(run->first_task);
  CAF_CHECK_EQUAL(task->last_error,
                  R"({"attempt":1,"message":"timed out after )"
                  R"(50ms","type":"timeout"})");
}

CAF_TEST(an engine that stops begins nothing more and gives back what waits) {
  folder dir;
  auto begun = std::make_shared<std::atomic<int>>(0);
  submitted_run run;
  {
    auto e = open({.database = dir.database(), .workers = 1});
    run = e.submit(slow_behind_quick(e, 100ms, 40, begun)).value();
    while (*begun == 0)
      std::this_thread::sleep_for(1ms);
    CAF_CHECK_EQUAL(e.stop(10'000ms), 0);
    CAF_CHECK(*begun <= 2);
  }
  const auto reader = open_sqlite_reader(dir.database()).value();
  CAF_CHECK_EQUAL(std::int64_t{reader->count_leaves(run.key).running}, 0);
  auto e = open({.database = dir.database(), .workers = 8});
  slow_behind_quick(e, 0ms, 40, begun);
  CAF_CHECK_EQUAL(state_of(e, run), "SUCCEEDED");
}

CAF_TEST(a second stop with less patience ends the first) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 1});
  std::atomic<bool> begun = false;
  e.handle("long", [&](const task_context& task) {
    begun = true;
    while (!task.cancelled())
      std::this_thread::sleep_for(1ms);
    return outcome::failure("cancelled", "told to");
  });
  const auto run = e.submit(run_spec{"long"}.task("long"));
  CAF_REQUIRE(run);
  while (!begun)
    std::this_thread::sleep_for(1ms);
  auto first = std::async(std::launch::async, [&] { return e.stop(60'000ms); });
  CAF_CHECK(first.wait_for(50ms) == std::future_status::timeout);
  CAF_CHECK_EQUAL(e.stop(0ms), 0);
  CAF_CHECK_EQUAL(first.get(), 1);
  const auto reader = open_sqlite_reader(dir.database()).value();
  const auto task = reader->load_task(run->first_task);
  CAF_REQUIRE(task);
  CAF_CHECK_EQUAL(std::string{to_string(task->state)}, "PENDING");
}

CAF_TEST(many may be the first to submit) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 2});
  std::vector<std::future<std::string>> states;
  for (int i = 0; i < 8; ++i)
    states.push_back(std::async(std::launch::async, [&] {
      const auto run = e.submit(run_spec{"one"}.task("noop"));
      return run ? state_of(e, *run) : run.error().message;
    }));
  for (auto& state : states)
    CAF_CHECK_EQUAL(state.get(), "SUCCEEDED");
}

CAF_TEST(an engine that has stopped takes no run) {
  folder dir;
  auto e = open({.database = dir.database()});
  e.stop();
  const auto run = e.submit(run_spec{"late"}.task("noop"));
  CAF_REQUIRE(!run);
  CAF_CHECK(run.error().code == errc::stopped);
}

CAF_TEST(what waits since before the clock was set back does not wait for it) {
  folder dir;
  {
    auto db = open_sqlite_store({.path = dir.database()});
    CAF_REQUIRE(db);
    auto run = resolve(run_spec{"early"}.task("noop"), {},
                       [](change_set) { return commit_reply{}; });
    CAF_REQUIRE(run);
    std::vector<change_set> batch(1);
    batch.front().add(std::move(*run));
    (*db)->commit(batch, system_now() + std::chrono::hours{1});
  }
  auto e = open({.database = dir.database(), .workers = 1});
  e.start();
  const auto open_runs = (*e.open_reader())->load_open_runs(0, 1);
  CAF_REQUIRE(!open_runs.empty());
  const auto state = e.wait(open_runs.front().id, 20'000ms);
  CAF_CHECK(state && *state == run_state::succeeded);
}

CAF_TEST(a handler that comes after the start is refused) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 1});
  const auto work = [](const task_context&) { return outcome::success(); };
  CAF_CHECK(e.handle("early", work));
  e.start();
  const auto late = e.handle("late", work);
  CAF_REQUIRE(!late);
  CAF_CHECK(late.error().code == errc::conflict);
  CAF_CHECK(!e.has_handler("late"));
  const auto refused = e.submit(run_spec{"x"}.task("late"));
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::invalid);
}

CAF_TEST(a spec that is shaped before its first task is refused) {
  folder dir;
  auto e = open({.database = dir.database(), .workers = 1});
  const auto refused = e.submit(run_spec{"x"}.fanout(3).task("noop"));
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::invalid);
  CAF_CHECK_EQUAL(refused.error().message,
                  "/tasks: fanout() was called before task()");
}
