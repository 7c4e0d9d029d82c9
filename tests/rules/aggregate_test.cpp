#define CAF_SUITE rules.aggregate

#include <conductor/aggregate_rules.hpp>
#include <conductor/json_text.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

constexpr auto now = from_ms(1'767'225'600'000);

} // namespace

CAF_TEST(parents of all small combinations) {
  for (std::int64_t ok = 0; ok <= 2; ++ok)
    for (std::int64_t bad = 0; bad <= 2; ++bad)
      for (std::int64_t gone = 0; gone <= 2; ++gone)
        for (std::int64_t tolerated = 0; tolerated <= 2; ++tolerated)
          for (bool broken : {false, true}) {
            fanout_record parent{.task = 3, .run = 1, .base = 10};
            parent.total = parent.expanded = ok + bad + gone;
            parent.children.succeeded = ok;
            parent.children.failed = bad;
            parent.children.cancelled = gone;
            if (broken)
              parent.broken = R"({"type":"t","message":"m"})";
            task_spec spec;
            spec.tolerate = {tolerated, 0};
            const auto move = rules::plan_parent(parent, spec, "", now);
            const auto to = broken || bad > tolerated ? task_state::failed
                            : gone > 0 ? task_state::cancelled
                                       : task_state::succeeded;
            CAF_CHECK(move.from == task_state::pending);
            CAF_CHECK(move.to == to);
            CAF_CHECK(legal_parent_move(move.from, move.to));
            CAF_CHECK_EQUAL(move.error.empty(), to != task_state::failed);
            const auto output = json::parse(move.output);
            CAF_CHECK_EQUAL(output["failed"], bad);
            CAF_CHECK_EQUAL(output["total"], ok + bad + gone);
            CAF_CHECK_EQUAL(rules::parent_is_done(parent),
                            ok + bad + gone > 0 || broken);
            spec.on_failure = on_failure::fail_fast;
            CAF_CHECK(!rules::should_fail_fast(parent, spec));
            ++parent.total;
            CAF_CHECK(!rules::parent_is_done(parent));
            CAF_CHECK_EQUAL(rules::should_fail_fast(parent, spec),
                            bad > tolerated);
            spec.on_failure = on_failure::wait;
            CAF_CHECK(!rules::should_fail_fast(parent, spec));
          }
}

CAF_TEST(outputs stand beside the counts) {
  fanout_record parent{.task = 3, .run = 1, .total = 2, .expanded = 2};
  parent.children.succeeded = 2;
  const auto move = rules::plan_parent(parent, {}, "[1,2]", now);
  CAF_CHECK_EQUAL(dump(json::parse(move.output)["outputs"]), "[1,2]");
}

CAF_TEST(runs of all small combinations) {
  for (std::int64_t ok = 0; ok <= 2; ++ok)
    for (std::int64_t bad = 0; bad <= 2; ++bad)
      for (std::int64_t gone = 0; gone <= 2; ++gone) {
        run_record run;
        run.key = 4;
        run.state = run_state::running;
        run.tasks = ok + bad + gone;
        run.succeeded = ok;
        run.failed = bad;
        run.cancelled = gone;
        CAF_CHECK(rules::run_is_done(run));
        const auto move = rules::plan_run(run, now);
        CAF_CHECK(move.from == run_state::running);
        CAF_CHECK(move.to
                  == (bad > 0    ? run_state::failed
                      : gone > 0 ? run_state::cancelled
                                 : run_state::succeeded));
        ++run.tasks;
        CAF_CHECK(!rules::run_is_done(run));
      }
  const auto start = rules::plan_run_start(4, now);
  CAF_CHECK(start.from == run_state::pending);
  CAF_CHECK(start.to == run_state::running);
}
