#define CAF_SUITE torture.retries

#include <conductor/engine.hpp>

#include <atomic>
#include <thread>

#include "tests/torture/budget.hpp"
#include "tests/torture/program_run.hpp"

using namespace conductor;
using namespace orcon::test;

// A parent that fails fast, a retry by hand, and a resume, over and over: the
// engine stops or goes on in between, and neither hangs nor leaves a lease.
namespace {

constexpr std::int64_t children = 12;
constexpr conductor::milliseconds patience{30'000};

/// What the children need is broken until it is mended.
struct world {
  std::atomic<bool> mended{false};
  std::atomic<unsigned> jitter{0};
};

engine open_engine(const std::string& db, world& w, bool work = true) {
  auto opened = engine::open({.database = db, .workers = 3, .work = work});
  if (!opened)
    CAF_FAIL(opened.error().message);
  opened->handle("mended", [&w](const task_context& task) {
    std::this_thread::sleep_for(
      std::chrono::microseconds{w.jitter.fetch_add(577) % 2'000});
    return task.index() != 1 || w.mended ? outcome::success()
                                         : outcome::failure("ill", "not yet");
  });
  return std::move(*opened);
}

run_spec fails_fast(on_failure mode) {
  run_spec spec{"fails fast"};
  spec.task("mended", "work")
    .fanout(children)
    .max_retries(0)
    .max_concurrency(8);
  spec.tasks.back().on_failure = mode;
  return spec;
}

std::string state_of(engine& e, const std::string& run) {
  const auto state = e.wait(run, patience);
  return state ? to_string(*state) : state.error().message;
}

/// What is wrong with one round; "" = nothing.
std::string play(const std::string& db, choices& random, world& w) {
  w.mended = false;
  auto first = std::make_optional(open_engine(db, w));
  const auto run = first->submit(fails_fast(
    random.below(4) == 0 ? on_failure::wait : on_failure::fail_fast));
  if (!run)
    return "submit: " + run.error().message;
  if (const auto state = state_of(*first, run->id); state != "FAILED")
    return "first: " + state;
  w.mended = true;
  // As a running engine does it, or one command after the other.
  if (random.coin()) {
    first.reset();
    auto by_hand = open_engine(db, w, false);
    if (const auto retried = by_hand.retry(run->id); !retried)
      return "retry: " + retried.error().message;
  } else if (const auto retried = first->retry(run->id); !retried)
    return "retry: " + retried.error().message;
  first.reset();
  auto last = open_engine(db, w);
  last.start();
  if (const auto state = state_of(last, run->id); state != "SUCCEEDED")
    return "after the retry: " + state;
  const auto report = last.report(run->id);
  if (!report || std::int64_t{report->tasks.succeeded} < children)
    return "not every child succeeded";
  return "";
}

} // namespace

CAF_TEST(a retry by hand after a fast failure never hangs) {
  const scratch_folder folder{"retries"};
  choices random{torture_seed()};
  world w;
  const auto db = folder.file("a.db");
  for (budget b{"fail fast, retry, resume", 25}; b.more();) {
    const auto wrong = play(db, random, w);
    if (!wrong.empty())
      CAF_FAIL("round " << b.done() << ": " << wrong);
    if (b.done() % 25 != 0)
      continue;
    CAF_REQUIRE_EQUAL(verify(db), "");
    folder.clear();
  }
}
