#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

void a_page_creates_children(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  const auto result = w.commit_parts(page(1, 3));
  const auto p = w.progress(1);
  require_same("refusals", result.replies[0].refusals, {});
  require_same("changed", result.replies[0].tasks_changed, std::int64_t{3});
  require_same("expanded", p.expanded, std::int64_t{3});
  require_same("children", p.children,
               state_counts{.not_created = 2, .pending = 3});
  require_same("parents", result.fact.parents, {p});
  require_same("progress", result.fact.progress, {});
  require_same("events", result.fact.events,
               {{3, 1, 2, 3, event_kind::task_created, w.now, "{}"}});
  require_same("due", result.fact.due, true);
  const auto child = w.task(3);
  require_same("name", child.name, std::string{"p#2"});
  require_same("state", child.state, pending);
  require_same("due at once", child.due_at, w.now);
  require_same("started", child.started_at, no_time);
  require_same("group", w.groups({.keys = {1, 9}, .after = 1}),
               {{1, 1, {2, 3}, pending, 0, 0, 0, w.now}});
}

void a_page_out_of_order_is_refused(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  w.expand(1, 1, 2);
  const std::vector<refusal> refused{{0, 1, 0, pending, pending, 0}};
  require_same("again", w.expand(1, 1, 2).refusals, refused);
  require_same("gap", w.expand(1, 4, 1).refusals, refused);
  require_same("too many", w.expand(1, 3, 4).refusals, refused);
  require_same("negative", w.expand(1, 3, -1).refusals, refused);
  require_same("expanded", w.progress(1).expanded, std::int64_t{2});
}

void a_refused_page_writes_nothing(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  auto late = page(2, 2);
  late.before = {{1, 1, fanout_detected(5)}};
  late.after = {{1, 0, fanout_started()}};
  late.expansion_error = R"({"type":"gone"})";
  const auto result = w.commit_parts(late);
  require_same("refused", result.replies[0].refusals.size(), std::size_t{1});
  require_same("events", result.fact.events, {});
  require_same("parents", result.fact.parents, {});
  require_same("due", result.fact.due, false);
  require_same("error", w.progress(1).expansion_error, std::string{});
  require_same("changed", result.replies[0].tasks_changed, std::int64_t{0});
}

void a_page_for_no_parent_is_refused(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  w.lease(0, {1, 1}, 0);
  require_same("a leaf", w.expand(1, 1, 0).refusals,
               {{0, 1, 0, pending, running, 1}});
  require_same("nobody", w.expand(99, 1, 0).refusals,
               {{0, 99, 0, pending, task_state{}, 0}});
}

void a_page_for_another_run_is_refused(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  w.submit({leaf("a")});
  for (const run_key run : {2, 9}) {
    auto wrong = page(1, 2);
    wrong.run = run;
    require_same("run " + std::to_string(run), w.apply_parts(wrong).refusals,
                 {{0, 1, 0, pending, pending, 0}});
  }
  require_same("expanded", w.progress(1).expanded, std::int64_t{0});
}

void a_settled_parent_gets_no_children(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  w.move(w.plan(0, {1, 1}, pending, 0, cancelled));
  require_same("refused", w.expand(1, 1, 2).refusals,
               {{0, 1, 0, pending, cancelled, 0}});
  require_same("not created", w.progress(1).children.not_created,
               std::int64_t{0});
}

void an_error_ends_the_expansion(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  auto last = page(1, 2);
  last.expansion_error = R"({"type":"source_changed"})";
  require_same("fine", w.apply_parts(last).refusals, {});
  const auto p = w.progress(1);
  require_same("total", p.total, std::int64_t{2});
  require_same("error", p.expansion_error, last.expansion_error);
  require_same("not created", p.children.not_created, std::int64_t{0});
  require_same("ended", w.expand(1, 3, 0).refusals.size(), std::size_t{1});
}

void an_empty_page_writes_its_own_events_only(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  auto empty = page(1, 0);
  empty.before = {{1, 1, fanout_detected(5)}};
  const auto result = w.commit_parts(empty);
  require_same("events", result.fact.events.size(), std::size_t{1});
  require_same("kind", result.fact.events[0].kind, event_kind::fanout_detected);
  require_same("due", result.fact.due, false);
  require_same("refusals", result.replies[0].refusals, {});
}

void events_around_the_children(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 2)});
  auto both = page(1, 2);
  both.before = {{1, 0, fanout_started()}, {1, 1, fanout_detected(2)}};
  both.after = {{1, 1, fanout_ended(event_kind::fanout_completed, 2)},
                {1, 0, fanout_ended(event_kind::fanout_finished, 2)}};
  std::vector<std::string> seen;
  for (const auto& e : w.commit_parts(both).fact.events)
    seen.push_back(std::string{to_string(e.kind)} + "@"
                   + std::to_string(e.first) + "+" + std::to_string(e.count));
  require_same("events", seen,
               {"worker.fanout.started@0+1", "worker.fanout.detected@1+1",
                "task.created@2+2", "worker.fanout.completed@1+1",
                "worker.fanout.finished@0+1"});
}

void derived_items_and_inputs(const store_factory& make) {
  workbench w{make};
  auto counted = parent("c", 2), range = parent("r", 2);
  range.spec.fanout
    = {.kind = source_kind::range, .from = 10, .to = 7, .step = -3};
  w.submit({counted, range});
  w.expand(1, 1, 2);
  w.expand(2, 1, 2);
  require_same("items", w.reader->texts(text_kind::item, {3, 4}),
               {"", "", "", ""});
  const auto input = [&](task_key key) { return w.task(key).input; };
  require_same("counted", input(4),
               std::string{R"({"index":2,"item":2,"k":"v"})"});
  require_same("range", input(6),
               std::string{R"({"index":2,"item":7,"k":"v"})"});
  require_same("parent", input(1), counted.spec.input);
}

} // namespace

const std::vector<conformance_case>& expansion_cases() {
  static const std::vector<conformance_case> cases{
    {"a page creates children", a_page_creates_children},
    {"a page out of order is refused", a_page_out_of_order_is_refused},
    {"a refused page writes nothing", a_refused_page_writes_nothing},
    {"a page for no parent is refused", a_page_for_no_parent_is_refused},
    {"a page for another run is refused", a_page_for_another_run_is_refused},
    {"a settled parent gets no children", a_settled_parent_gets_no_children},
    {"an error ends the expansion", an_error_ends_the_expansion},
    {"an empty page writes its own events only",
     an_empty_page_writes_its_own_events_only},
    {"events around the children", events_around_the_children},
    {"derived items and inputs", derived_items_and_inputs},
  };
  return cases;
}

} // namespace conductor::test
