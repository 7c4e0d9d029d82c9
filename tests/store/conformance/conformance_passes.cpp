#include "tests/store/workbench.hpp"

/// Passes: what the events around the moves of a role say was done.
namespace conductor::test {

namespace {

using enum task_state;

std::vector<std::string> texts(const std::vector<event_span>& events) {
  std::vector<std::string> out;
  for (const auto& e : events)
    out.push_back(std::to_string(e.run) + " " + to_string(e.kind)
                  + (e.first ? "@" + std::to_string(e.first) : "") + " "
                  + e.payload);
  return out;
}

move_tasks of_run(move_tasks m, run_key run) {
  m.run = run;
  return m;
}

void an_aggregation_says_what_it_settled(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 0), parent("q", 0)});
  w.submit({parent("r", 0)});
  w.apply_parts(start_of_run(1), start_of_run(2));
  auto p = w.plan(0, {1, 2}, pending, 0, succeeded);
  p.events = {event_entry{event_kind::task_aggregated, "{}"}};
  const auto result
    = w.commit_parts(pass_events{pass_events::kind::aggregate},
                     of_run(w.plan(0, {3, 1}, pending, 0, failed), 2), p,
                     move_run{1, run_state::running, run_state::succeeded, {}},
                     append_event{1, 0, fanout_started()});
  require_same("events", texts(result.fact.events),
               {"2 worker.aggregate.started {}",
                "1 worker.aggregate.started {}", "1 task.aggregated@1 {}",
                "1 worker.fanout.started {}",
                R"(1 worker.aggregate.finished {"parents":2,"runs":1})",
                R"(2 worker.aggregate.finished {"parents":1,"runs":0})"});
}

void refused_moves_are_not_counted(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 0), parent("q", 0), parent("r", 0)});
  w.submit({leaf("a")});
  w.move(w.plan(0, {2, 1}, pending, 0, cancelled));
  const auto result = w.commit_parts(
    pass_events{pass_events::kind::aggregate},
    w.plan(0, {1, 3}, pending, 0, succeeded),                  // q is cancelled
    move_run{1, run_state::running, run_state::succeeded, {}}, // not started
    of_run(w.plan(0, {4, 1}, running, 1, succeeded), 2));      // not leased
  require_same("events", texts(result.fact.events),
               {"1 worker.aggregate.started {}",
                R"(1 worker.aggregate.finished {"parents":2,"runs":0})"});
  require_same("refusals", result.replies[0].refusals.size(), std::size_t{3});
}

void nothing_is_said_of_nothing(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  const auto result = w.commit_parts(pass_events{pass_events::kind::retry},
                                     w.plan(0, {1, 1}, retrying, 1, pending),
                                     append_event{1, 0, fanout_started()});
  require_same("events", texts(result.fact.events),
               {"1 worker.fanout.started {}"});
}

void a_retry_pass_counts_tasks(const store_factory& make) {
  workbench w{make};
  w.submit_children(5);
  w.submit({leaf("a")});
  w.lease(1, {2, 4}, 0);
  w.move(w.plan(1, {2, 3}, running, 1, retrying));
  auto back = w.plan(1, {2, 4}, retrying, 1, pending); // 5 is still RUNNING
  back.events = {task_retried(1)};
  const auto result
    = w.commit_parts(pass_events{pass_events::kind::retry}, back);
  require_same("events", texts(result.fact.events),
               {"1 worker.retry.started {}",
                R"(1 task.retried@2 {"retry_count":1})",
                R"(1 worker.retry.finished {"retried":3})"});
  require_same("refused", result.replies[0].refusals.size(), std::size_t{1});
}

void a_pass_is_of_the_parts_after_it(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b")});
  const auto lease = [&](task_key key) {
    return w.plan(0, {key, 1}, pending, 0, running);
  };
  const auto alone
    = w.commit_parts(lease(1), pass_events{pass_events::kind::retry});
  require_same("none after it", texts(alone.fact.events), {});
  const auto both = w.commit(
    std::vector{set_of(pass_events{pass_events::kind::retry}, lease(2)),
                set_of(w.plan(0, {1, 1}, running, 1, failed))});
  require_same(
    "of its change set", texts(both.fact.events),
    {"1 worker.retry.started {}", R"(1 worker.retry.finished {"retried":1})"});
}

} // namespace

const std::vector<conformance_case>& pass_cases() {
  static const std::vector<conformance_case> cases{
    {"an aggregation says what it settled",
     an_aggregation_says_what_it_settled},
    {"refused moves are not counted", refused_moves_are_not_counted},
    {"nothing is said of nothing", nothing_is_said_of_nothing},
    {"a retry pass counts tasks", a_retry_pass_counts_tasks},
    {"a pass is of the parts after it", a_pass_is_of_the_parts_after_it},
  };
  return cases;
}

} // namespace conductor::test
