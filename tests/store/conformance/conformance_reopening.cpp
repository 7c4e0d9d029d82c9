#include "tests/store/workbench.hpp"

/// What must hold across a restart of the engine.
namespace conductor::test {

namespace {

using enum task_state;
using kind = group_query::kind;

/// A workbench whose store is closed and opened again now and then.
struct restarts {
  restarts(std::unique_ptr<store> s, const store_reopener& reopener)
    : w(std::move(s)), reopen(reopener) {}

  void operator()() {
    w.reader.reset();
    w.kept = reopen(std::move(w.kept));
    w.reader = w.kept->open_reader();
  }

  workbench w;
  const store_reopener& reopen;
};

void leases_of_another_engine_are_abandoned(std::unique_ptr<store> s,
                                            const store_reopener& reopen) {
  restarts restart{std::move(s), reopen};
  auto& w = restart.w;
  w.submit_children(6);
  w.claim(4); // 2…5
  w.move(w.plan(1, {3, 1}, running, 1, succeeded));
  const auto epoch = w.kept->epoch();
  restart();
  require("another epoch", w.kept->epoch() > epoch);
  require_same("engine", w.reader->load_engine().epoch, w.kept->epoch());
  const task_group first{1, 1, {2, 1}, running, 1, 0, 0, no_time};
  const task_group second{1, 1, {4, 2}, running, 1, 0, 0, no_time};
  require_same("abandoned", w.groups({.of = kind::abandoned}), {first, second});
  require_same("page", w.groups({.of = kind::abandoned, .after = 2}), {second});
  require_same("limit", w.groups({.of = kind::abandoned, .limit = 1}), {first});
  w.claim(1); // 6 is of this engine
  require_same("as before", w.groups({.of = kind::abandoned}), {first, second});
}

void only_the_engine_that_leased_settles(std::unique_ptr<store> s,
                                         const store_reopener& reopen) {
  restarts restart{std::move(s), reopen};
  auto& w = restart.w;
  w.submit_children(4);
  w.claim(4);
  restart();
  auto late = w.plan(1, {2, 1}, running, 1, succeeded);
  late.report_late = true;
  const auto result = w.commit_parts(late);
  require_same("refused", result.replies[0].refusals,
               {{0, 2, 1, succeeded, running, 1}});
  require_same("reported", result.fact.events.at(0).payload,
               task_late_result(1, reason::lease_expired).payload);
  auto lost = w.plan(1, {2, 2}, running, 1, retrying);
  lost.lost = true;
  require_same("lost", w.move(lost).refusals, {});
  require_same("cancelled",
               w.move(w.plan(1, {4, 1}, running, 1, cancelled)).refusals, {});
  require_same("left", w.groups({.of = kind::abandoned}),
               {{1, 1, {5, 1}, running, 1, 0, 0, no_time}});
  w.apply_parts(w.plan(1, {2, 2}, retrying, 1, pending), claim_of(9));
  require_same("leased again",
               w.move(w.plan(1, {2, 2}, running, 2, succeeded)).refusals, {});
}

void turns_begin_with_the_first_block(std::unique_ptr<store> s,
                                      const store_reopener& reopen) {
  restarts restart{std::move(s), reopen};
  auto& w = restart.w;
  for (int i = 0; i < 2; ++i)
    w.submit({leaf("a"), leaf("b")});
  require_same("first", w.claim(1).at(0).tasks.first, task_key{1});
  restart();
  require_same("first again", w.claim(1).at(0).tasks.first, task_key{2});
  require_same("then the next", w.claim(1).at(0).tasks.first, task_key{3});
}

void bounds_count_what_was_abandoned(std::unique_ptr<store> s,
                                     const store_reopener& reopen) {
  restarts restart{std::move(s), reopen};
  auto& w = restart.w;
  auto p = parent("p", 4);
  p.spec.max_concurrency = 2;
  w.submit({p});
  w.expand(1, 1, 4);
  w.claim(9);
  restart();
  require_same("full", w.claim(9), {});
  auto lost = w.plan(1, {2, 1}, running, 1, retrying);
  lost.lost = true;
  require_same("room", w.commit_parts(lost).fact.due, true);
  require_same("one", w.claim(9), {{1, 1, {4, 1}, running, 1, 0, 0, no_time}});
}

void unused_lists_are_removed(std::unique_ptr<store> s,
                              const store_reopener& reopen) {
  restarts restart{std::move(s), reopen};
  auto& w = restart.w;
  auto p = parent("p", 1);
  p.items = 1;
  w.apply_parts(append_items{0, 0, {"\"used\""}}, run_of({p}),
                append_items{0, 0, {"\"unused\""}});
  restart();
  w.expand(1, 1, 1);
  require_same("kept", w.reader->texts(text_kind::item, {2, 1}), {"\"used\""});
  // If the list were still there, its items would not begin with number 0.
  require_same("removed", w.apply_parts(append_items{2, 0, {"1"}}).lists, {2});
  require_same("in use", w.apply_parts(drop_items{1}).refusals.size(),
               std::size_t{1});
}

void keys_and_times_continue(std::unique_ptr<store> s,
                             const store_reopener& reopen) {
  restarts restart{std::move(s), reopen};
  auto& w = restart.w;
  w.submit({parent("p", 3)}, "key");
  const auto latest = w.now;
  const auto last = w.reader->last_event();
  restart();
  w.now -= milliseconds{10'000};
  require_same("known", w.submit({leaf("a")}, "key").existed, true);
  const auto result = w.commit_parts(run_of({leaf("a")}));
  require_same("at", result.fact.at, latest);
  require_same("run", result.replies[0].runs.at(0).key, run_key{2});
  require_same("task", result.replies[0].runs[0].first_task, task_key{5});
  require_same("seq", result.fact.events.at(0).seq, last + 1);
  require_same("claimable", w.claim(9).size(), std::size_t{1});
}

} // namespace

const std::vector<reopening_case>& reopening_cases() {
  static const std::vector<reopening_case> cases{
    {"leases of another engine are abandoned",
     leases_of_another_engine_are_abandoned},
    {"only the engine that leased settles",
     only_the_engine_that_leased_settles},
    {"turns begin with the first block", turns_begin_with_the_first_block},
    {"bounds count what was abandoned", bounds_count_what_was_abandoned},
    {"unused lists are removed", unused_lists_are_removed},
    {"keys and times continue", keys_and_times_continue},
  };
  return cases;
}

} // namespace conductor::test
