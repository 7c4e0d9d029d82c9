#define CAF_SUITE rules.aggregate

#include <array>

#include "actors/rules/aggregate_rules.hpp"

#include <conductor/json_text.hpp>
#include <conductor/lifecycle.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

CAF_TEST(parents of all small combinations) {
  for (std::int64_t ok = 0; ok <= 2; ++ok)
    for (std::int64_t bad = 0; bad <= 2; ++bad)
      for (std::int64_t gone = 0; gone <= 2; ++gone)
        for (std::int64_t tolerated = 0; tolerated <= 2; ++tolerated)
          for (bool expansion_error : {false, true}) {
            parent_record parent{.task = 3, .run = 1, .base = 10};
            parent.total = parent.expanded = ok + bad + gone;
            parent.children.succeeded = ok;
            parent.children.failed = bad;
            parent.children.cancelled = gone;
            if (expansion_error)
              parent.expansion_error = R"({"type":"t","message":"m"})";
            task_spec spec;
            spec.tolerate = {tolerated, 0};
            const auto move = rules::plan_parent(parent, spec, {});
            const auto to = expansion_error || bad > tolerated
                              ? task_state::failed
                            : gone > 0 ? task_state::cancelled
                                       : task_state::succeeded;
            CAF_CHECK(move.from == task_state::pending);
            CAF_CHECK(move.to == to);
            CAF_CHECK(legal_parent_move(move.from, move.to));
            CAF_CHECK_EQUAL(move.error.empty(), to != task_state::failed);
            const auto output = json::parse(move.outputs.at(0));
            CAF_CHECK_EQUAL(output["failed"], bad);
            CAF_CHECK_EQUAL(output["total"], ok + bad + gone);
            CAF_CHECK_EQUAL(rules::parent_is_done(parent),
                            ok + bad + gone > 0 || expansion_error);
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
  parent_record parent{.task = 3, .run = 1, .total = 2, .expanded = 2};
  parent.children.succeeded = 2;
  const auto whole
    = json::parse(rules::plan_parent(parent, {}, {"[1,2]"}).outputs.at(0));
  CAF_CHECK_EQUAL(dump(whole["outputs"]), "[1,2]");
  CAF_CHECK(!whole.contains("outputs_omitted"));
  // An output that did not fit differs from a null of the child's own.
  const auto cut = json::parse(
    rules::plan_parent(parent, {}, {"[1,null]", 1}).outputs.at(0));
  CAF_CHECK_EQUAL(dump(cut["outputs"]), "[1,null]");
  CAF_CHECK_EQUAL(cut["outputs_omitted"], 1);
}

CAF_TEST(a share of failures is rounded down) {
  // Percent, children, failures that are tolerated.
  constexpr std::array<std::array<std::int64_t, 3>, 12> cases{{{0, 10, 0},
                                                               {1, 99, 0},
                                                               {1, 100, 1},
                                                               {5, 19, 0},
                                                               {5, 20, 1},
                                                               {5, 39, 1},
                                                               {29, 100, 29},
                                                               {33, 3, 0},
                                                               {34, 3, 1},
                                                               {57, 100, 57},
                                                               {99, 10, 9},
                                                               {100, 7, 7}}};
  for (const auto& [percent, total, tolerated] : cases)
    for (std::int64_t failed = 0; failed <= total; ++failed) {
      parent_record parent{.task = 3, .run = 1, .base = 10};
      parent.total = parent.expanded = total;
      parent.children.failed = failed;
      parent.children.succeeded = total - failed;
      task_spec spec;
      spec.tolerate = {0, static_cast<double>(percent)};
      const auto move = rules::plan_parent(parent, spec, {});
      CAF_CHECK_EQUAL(to_string(move.to),
                      std::string{failed > tolerated ? "FAILED" : "SUCCEEDED"});
      // The share is one of all children, however many exist so far.
      spec.on_failure = on_failure::fail_fast;
      parent.children.succeeded = 0;
      if (failed < total)
        CAF_CHECK_EQUAL(rules::should_fail_fast(parent, spec),
                        failed > tolerated);
    }
}

CAF_TEST(a parent that has failed gets no more children) {
  parent_record parent{
    .task = 3, .run = 1, .base = 10, .total = 9, .expanded = 4};
  parent.children.failed = 2;
  const auto end = rules::plan_no_more_children(parent);
  CAF_CHECK_EQUAL(end.run, 1);
  CAF_CHECK_EQUAL(end.parent, 3);
  CAF_CHECK_EQUAL(end.first, 5);
  CAF_CHECK_EQUAL(end.count, 0);
  CAF_CHECK(may_expand({}, parent, end));
  CAF_CHECK(end.before.empty());
  const auto why = json::parse(end.expansion_error);
  CAF_CHECK_EQUAL(why["type"], "children_failed");
  CAF_CHECK_EQUAL(why["failed"], 2);
  // The pass that began with the expansion ends with it.
  CAF_REQUIRE_EQUAL(end.after.size(), 2u);
  CAF_CHECK(end.after[0].event.kind == event_kind::fanout_completed);
  CAF_CHECK_EQUAL(end.after[0].task, 3);
  CAF_CHECK(end.after[1].event.kind == event_kind::fanout_finished);
  CAF_CHECK_EQUAL(end.after[1].task, 0);
  // As the store then has it: done once the rest is settled, and FAILED.
  parent.expansion_error = end.expansion_error;
  parent.total = parent.expanded;
  CAF_CHECK(!rules::parent_is_done(parent));
  parent.children.cancelled = 2;
  CAF_CHECK(rules::parent_is_done(parent));
  task_spec tolerant;
  tolerant.tolerate = {0, 100};
  const auto move = rules::plan_parent(parent, tolerant, {});
  CAF_CHECK(move.to == task_state::failed);
  const auto error = json::parse(move.error);
  CAF_CHECK_EQUAL(error["type"], "children_failed");
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
        const auto move = rules::plan_run(run);
        CAF_CHECK(move.from == run_state::running);
        CAF_CHECK(move.to
                  == (bad > 0    ? run_state::failed
                      : gone > 0 ? run_state::cancelled
                                 : run_state::succeeded));
        ++run.tasks;
        CAF_CHECK(!rules::run_is_done(run));
      }
}

CAF_TEST(a run is done when its last task has settled) {
  run_record run{.key = 1, .tasks = 4};
  const auto settle = [&](task_state to) {
    return count_top_level(run, task_state::pending, to, 1);
  };
  for (const auto to :
       {task_state::succeeded, task_state::failed, task_state::cancelled}) {
    CAF_CHECK(!rules::run_is_done(run));
    CAF_CHECK(settle(to));
  }
  CAF_CHECK(!settle(task_state::running));
  CAF_CHECK_EQUAL(run.succeeded, 1);
  CAF_CHECK_EQUAL(run.failed, 1);
  CAF_CHECK_EQUAL(run.cancelled, 1);
  CAF_CHECK(!rules::run_is_done(run));
  CAF_CHECK(settle(task_state::failed));
  CAF_CHECK(rules::run_is_done(run));
}
