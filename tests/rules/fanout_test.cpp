#define CAF_SUITE rules.fanout

#include <algorithm>
#include <array>

#include "actors/rules/fanout_rules.hpp"

#include <conductor/lifecycle.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

parent_record parent_at(std::int64_t expanded, std::int64_t total) {
  return {
    .task = 3, .run = 1, .base = 10, .total = total, .expanded = expanded};
}

template <class Part>
std::vector<Part> parts_of(const change_set& plan) {
  std::vector<Part> found;
  for (const auto& part : plan.parts)
    if (const auto* p = std::get_if<Part>(&part))
      found.push_back(*p);
  return found;
}

} // namespace

CAF_TEST(pages) {
  for (std::int64_t total = 0; total <= 7; ++total)
    for (std::int64_t page = 1; page <= 4; ++page)
      for (std::int64_t at = 0; at < total || at == 0; at += page) {
        const auto parent = parent_at(at, total);
        const auto count = rules::next_page(parent, page);
        CAF_CHECK_EQUAL(count, std::int64_t{std::min(page, total - at)});
        const auto plan = rules::plan_page(parent, {}, count);
        const auto last = at + count == total;
        const auto starts = parts_of<move_run>(plan);
        CAF_REQUIRE_EQUAL(starts.size(), at == 0 ? 1u : 0u);
        if (at == 0) {
          // The run starts before its first child exists.
          CAF_CHECK(starts[0] == start_of_run(1));
          CAF_CHECK(std::holds_alternative<move_run>(plan.parts.front()));
        }
        const auto pages = parts_of<expand_parent>(plan);
        CAF_REQUIRE_EQUAL(pages.size(), 1u);
        CAF_CHECK(may_expand({}, parent, pages[0]));
        CAF_CHECK_EQUAL(pages[0].first, at + 1);
        CAF_CHECK_EQUAL(pages[0].count, count);
        CAF_CHECK(pages[0].expansion_error.empty());
        CAF_REQUIRE_EQUAL(pages[0].before.size(), at == 0 ? 2u : 0u);
        if (at == 0) {
          CAF_CHECK(pages[0].before[0].event.kind
                    == event_kind::fanout_started);
          CAF_CHECK_EQUAL(pages[0].before[0].task, 0);
          CAF_CHECK(pages[0].before[1].event.kind
                    == event_kind::fanout_detected);
          CAF_CHECK_EQUAL(pages[0].before[1].task, 3);
        }
        CAF_REQUIRE_EQUAL(pages[0].after.size(), last ? 2u : 0u);
        if (last) {
          CAF_CHECK(pages[0].after[0].event.kind
                    == (total == 0 ? event_kind::fanout_skipped
                                   : event_kind::fanout_completed));
          CAF_CHECK(pages[0].after[1].event.kind
                    == event_kind::fanout_finished);
        }
        const auto moves = parts_of<move_tasks>(plan);
        CAF_REQUIRE_EQUAL(moves.size(), total == 0 ? 1u : 0u);
        if (total == 0)
          CAF_CHECK(moves[0].to == task_state::succeeded);
        CAF_CHECK_EQUAL(plan.parts.size(),
                        starts.size() + pages.size() + moves.size());
      }
}

CAF_TEST(an empty list gives an empty list of outputs) {
  task_spec spec;
  const auto output = [&] {
    const auto plan = rules::plan_page(parent_at(0, 0), spec, 0);
    return parts_of<move_tasks>(plan).at(0).outputs.at(0);
  };
  CAF_CHECK_EQUAL(output().find("outputs"), std::string::npos);
  spec.collect = collect::outputs;
  CAF_CHECK_NOT_EQUAL(output().find("\"outputs\":[]"), std::string::npos);
}

CAF_TEST(small fan outs are submitted with their children) {
  const auto fanout = [](source_kind kind, std::int64_t total) {
    task_submission t;
    t.spec.fanout.kind = kind;
    t.total = total;
    return t;
  };
  change_set plan;
  submission s;
  s.tasks.push_back({});                              // a leaf
  s.tasks.push_back(fanout(source_kind::count, 4));   // fits
  s.tasks.push_back(fanout(source_kind::count, 100)); // does not
  s.tasks.push_back(fanout(source_kind::lines, 2));   // fits
  s.tasks.back().items = 9;
  s.tasks.push_back(fanout(source_kind::range, 5)); // no more room
  s.tasks.push_back(fanout(source_kind::glob, 0));  // needs none
  plan.add(std::move(s));
  rules::add_small_fanouts(plan, 10);
  CAF_CHECK(std::holds_alternative<submission>(plan.parts.front()));
  const auto pages = parts_of<expand_parent>(plan);
  CAF_REQUIRE_EQUAL(pages.size(), 3u);
  const std::array places{1, 3, 5};
  const std::array counts{4, 2, 0};
  for (std::size_t i = 0; i < 3; ++i) {
    CAF_CHECK_EQUAL(pages[i].run, new_run);
    CAF_CHECK_EQUAL(pages[i].parent, new_task(places[i]));
    CAF_CHECK_EQUAL(pages[i].first, 1);
    CAF_CHECK_EQUAL(pages[i].count, counts[i]);
    CAF_CHECK_EQUAL(pages[i].before.size(), 2u);
    CAF_CHECK_EQUAL(pages[i].after.size(), 2u);
  }
  const auto starts = parts_of<move_run>(plan);
  CAF_REQUIRE_EQUAL(starts.size(), 1u);
  CAF_CHECK(starts[0] == start_of_run(new_run));
  const auto moves = parts_of<move_tasks>(plan);
  CAF_REQUIRE_EQUAL(moves.size(), 1u); // the empty one is settled
  CAF_CHECK_EQUAL(moves[0].run, new_run);
  CAF_CHECK_EQUAL(moves[0].tasks.first, new_task(5));
}

CAF_TEST(a submission of leaves stays as it is) {
  change_set plan;
  plan.add(submission{.tasks = {{}}});
  rules::add_small_fanouts(plan, 10);
  CAF_CHECK_EQUAL(plan.parts.size(), 1u);
}
