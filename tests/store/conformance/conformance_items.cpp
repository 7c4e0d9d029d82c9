#include "tests/store/workbench.hpp"

/// Lists: the items of children, kept apart from the runs that use them.
namespace conductor::test {

namespace {

using enum task_state;

std::vector<std::string> texts_from(std::int64_t first, std::int64_t count) {
  std::vector<std::string> out;
  for (auto i = first; i < first + count; ++i)
    out.push_back(R"({"n":)" + std::to_string(i) + "}");
  return out;
}

task_submission parent_of_list(const std::string& name, list_key list,
                               std::int64_t total) {
  auto p = parent(name, total);
  p.spec.fanout.kind = source_kind::lines;
  p.items = list;
  return p;
}

void a_list_grows_by_pages(const store_factory& make) {
  workbench w{make};
  const auto first
    = w.apply_parts(append_items{0, 0, texts_from(0, 1'500)}).lists;
  require_same("new", first, {1});
  require_same("next", w.apply_parts(append_items{0, 0, {"7"}}).lists, {2});
  require_same(
    "grown",
    w.apply_parts(append_items{1, 1'500, texts_from(1'500, 700)}).lists, {1});
  w.submit({parent_of_list("p", 1, 2'200), parent_of_list("q", 2, 1)});
  w.expand(1, 1, 2'200);
  w.expand(2, 1, 1);
  require_same("template", w.reader->load_template(3)->items, list_key{1});
  require_same("progress", w.progress(1).items, list_key{1});
  require_same("items", w.reader->texts(text_kind::item, {3, 2'200}),
               texts_from(0, 2'200));
  require_same("middle", w.reader->texts(text_kind::item, {1'026, 2}),
               texts_from(1'023, 2));
  require_same("other", w.reader->texts(text_kind::item, {2'203, 1}), {"7"});
  require_same("input", w.task(3 + 1'023).input,
               std::string{R"({"index":1024,"item":{"n":1023},"k":"v"})"});
}

void items_go_into_one_change_set_with_their_run(const store_factory& make) {
  workbench w{make};
  w.apply_parts(append_items{0, 0, {R"("a b")", "[1]", "null"}});
  const auto reply = w.apply_parts(
    run_of({parent_of_list("p", 1, 3)}),
    expand_parent{.run = new_run, .parent = new_task(0), .count = 3});
  require_same("refusals", reply.refusals, {});
  require_same("input", w.task(2).input,
               std::string{R"({"index":1,"item":"a b","k":"v"})"});
  require_same("null", w.task(4).input,
               std::string{R"({"index":3,"item":null,"k":"v"})"});
}

void items_out_of_order_are_refused(const store_factory& make) {
  workbench w{make};
  w.apply_parts(append_items{0, 0, texts_from(0, 3)});
  const auto refused = [&](append_items part) {
    const auto reply = w.apply_parts(std::move(part));
    require_same("list", reply.lists, {0});
    return reply.refusals.size();
  };
  require_same("gap", refused({1, 4, {"1"}}), std::size_t{1});
  require_same("again", refused({1, 2, {"1"}}), std::size_t{1});
  require_same("unknown", refused({2, 0, {"1"}}), std::size_t{1});
  require_same("negative", refused({-3, 0, {"1"}}), std::size_t{1});
  require_same("new, not from 0", refused({0, 1, {"1"}}), std::size_t{1});
  require_same("no number is lost",
               w.apply_parts(append_items{0, 0, {"1"}}).lists, {2});
}

void a_list_in_use_is_not_dropped(const store_factory& make) {
  workbench w{make};
  w.apply_parts(append_items{0, 0, texts_from(0, 2)},
                append_items{0, 0, {"1"}});
  w.submit({parent_of_list("p", 1, 2)});
  require_same("used", w.apply_parts(drop_items{1}).refusals.size(),
               std::size_t{1});
  require_same("no list", w.apply_parts(drop_items{0}).refusals.size(),
               std::size_t{1});
  require_same("unused", w.apply_parts(drop_items{2}).refusals, {});
  w.expand(1, 1, 2);
  require_same("kept", w.reader->texts(text_kind::item, {2, 2}),
               texts_from(0, 2));
}

void a_use_in_the_same_change_set_counts(const store_factory& make) {
  workbench w{make};
  w.apply_parts(append_items{0, 0, {"1"}});
  const auto reply
    = w.apply_parts(run_of({parent_of_list("p", 1, 1)}), drop_items{1});
  require_same("refused", reply.refusals.size(), std::size_t{1});
  require_same("part", reply.refusals[0].part, std::size_t{1});
}

} // namespace

const std::vector<conformance_case>& item_cases() {
  static const std::vector<conformance_case> cases{
    {"a list grows by pages", a_list_grows_by_pages},
    {"items go into one change set with their run",
     items_go_into_one_change_set_with_their_run},
    {"items out of order are refused", items_out_of_order_are_refused},
    {"a list in use is not dropped", a_list_in_use_is_not_dropped},
    {"a use in the same change set counts",
     a_use_in_the_same_change_set_counts},
  };
  return cases;
}

} // namespace conductor::test
