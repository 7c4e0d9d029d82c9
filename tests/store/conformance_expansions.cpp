#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

expansion page(workbench& w, std::int64_t first, std::int64_t count) {
  return {.run = 1, .parent = 1, .first = first, .count = count, .at = w.now};
}

void a_page_creates_children(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  change_set changes;
  changes.expansions.push_back(page(w, 1, 3));
  changes.expansions[0].offset = 77;
  const auto result = w.commit(changes);
  const auto f = w.fanout(1);
  require_same("refusals", result.replies[0].refusals, {});
  require_same("expanded", f.expanded, std::int64_t{3});
  require_same("offset", f.offset, std::int64_t{77});
  require_same("children", f.children, state_counts{.unborn = 2, .pending = 3});
  require_same("parents", result.fact.parents, {f});
  require_same("progress", result.fact.progress, {});
  require_same("events", result.fact.events,
               {{3, 1, 2, 3, event_kind::task_created, w.now, "{}"}});
  const auto child = w.task(3);
  require_same("name", child.name, std::string{"p#2"});
  require_same("state", child.state, pending);
  require_same("due", child.due_at, no_time);
  require_same("by cursor only", w.reader->load_due(w.now, {}, 9).size(),
               std::size_t{0});
}

void a_page_out_of_order_is_refused(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  w.expand(1, 1, 2);
  const std::vector<refusal> refused{{1, 0, pending, pending, 0}};
  require_same("again", w.expand(1, 1, 2).refusals, refused);
  require_same("gap", w.expand(1, 4, 1).refusals, refused);
  require_same("too many", w.expand(1, 3, 4).refusals, refused);
  require_same("expanded", w.fanout(1).expanded, std::int64_t{2});
  change_set changes;
  changes.expansions.push_back(page(w, 3, 2));
  changes.expansions[0].items = {"1"};
  const auto result = w.commit(changes);
  require_same("items", result.replies[0].refusals, refused);
  require_same("nothing touched", result.fact.parents, {});
  require_same("nothing said", result.fact.events, {});
}

void a_page_for_no_parent_is_refused(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  w.lease(0, {1, 1}, 0);
  require_same("a leaf", w.expand(1, 1, 0).refusals,
               {{1, 0, pending, running, 1}});
  require_same("nobody", w.expand(99, 1, 0).refusals,
               {{99, 0, pending, pending, 0}});
}

void a_settled_parent_gets_no_children(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  w.move(w.plan(0, {1, 1}, pending, 0, cancelled));
  require_same("refused", w.expand(1, 1, 2).refusals,
               {{1, 0, pending, cancelled, 0}});
  require_same("unborn", w.fanout(1).children.unborn, std::int64_t{5});
}

void a_broken_source_ends_the_expansion(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  change_set changes;
  changes.expansions.push_back(page(w, 1, 2));
  changes.expansions[0].broken = R"({"type":"source_changed"})";
  require_same("fine", w.apply(changes).refusals, {});
  const auto f = w.fanout(1);
  require_same("total", f.total, std::int64_t{2});
  require_same("broken", f.broken, changes.expansions[0].broken);
  require_same("unborn", f.children.unborn, std::int64_t{0});
  require_same("ended", w.expand(1, 3, 0).refusals.size(), std::size_t{1});
}

void an_empty_page_moves_the_offset_alone(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5)});
  change_set changes;
  changes.expansions.push_back(page(w, 1, 0));
  changes.expansions[0].offset = 9;
  const auto result = w.commit(changes);
  require_same("events", result.fact.events, {});
  require_same("offset", w.fanout(1).offset, std::int64_t{9});
}

void items_and_inputs(const store_factory& make) {
  workbench w{make};
  auto stored = parent("s", 2), counted = parent("c", 2),
       range = parent("r", 2);
  stored.spec.fanout.kind = source_kind::lines;
  range.spec.fanout
    = {.kind = source_kind::range, .from = 10, .to = 7, .step = -3};
  w.submit({stored, counted, range});
  change_set changes;
  changes.expansions.push_back(page(w, 1, 2));
  changes.expansions[0].items = {R"("a b")", R"({"x":1})"};
  w.apply(changes);
  w.expand(2, 1, 2);
  w.expand(3, 1, 2);
  require_same("items", w.reader->load_items({4, 4}),
               {R"("a b")", R"({"x":1})", "", ""});
  const auto input = [&](task_key key) { return w.task(key).input; };
  require_same("stored", input(5),
               std::string{R"({"index":2,"item":{"x":1},"k":"v"})"});
  require_same("counted", input(7),
               std::string{R"({"index":2,"item":2,"k":"v"})"});
  require_same("range", input(9),
               std::string{R"({"index":2,"item":7,"k":"v"})"});
  require_same("parent", input(2), counted.spec.input);
}

} // namespace

const std::vector<conformance_case>& expansion_cases() {
  static const std::vector<conformance_case> cases{
    {"a page creates children", a_page_creates_children},
    {"a page out of order is refused", a_page_out_of_order_is_refused},
    {"a page for no parent is refused", a_page_for_no_parent_is_refused},
    {"a settled parent gets no children", a_settled_parent_gets_no_children},
    {"a broken source ends the expansion", a_broken_source_ends_the_expansion},
    {"an empty page moves the offset alone",
     an_empty_page_moves_the_offset_alone},
    {"items and inputs", items_and_inputs},
  };
  return cases;
}

} // namespace conductor::test
