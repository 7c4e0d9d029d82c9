#define CAF_SUITE rules.fanout

#include <algorithm>
#include <array>

#include "actors/rules/fanout_rules.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

constexpr auto now = from_ms(1'767'225'600'000);

fanout_record parent_at(std::int64_t expanded, std::int64_t total) {
  return {
    .task = 3, .run = 1, .base = 10, .total = total, .expanded = expanded};
}

} // namespace

CAF_TEST(pages) {
  for (std::int64_t total = 0; total <= 7; ++total)
    for (std::int64_t page = 1; page <= 4; ++page)
      for (std::int64_t at = 0; at < total || at == 0; at += page) {
        const auto parent = parent_at(at, total);
        const auto count = rules::next_page(parent, page);
        CAF_CHECK_EQUAL(count, std::int64_t{std::min(page, total - at)});
        const auto plan = rules::plan_page(parent, {}, count, {}, 0, now);
        const auto last = at + count == total;
        CAF_CHECK_EQUAL(plan.leading.size(), at == 0 ? 2u : 0u);
        CAF_CHECK_EQUAL(plan.run_starts.size(), at == 0 ? 1u : 0u);
        CAF_REQUIRE_EQUAL(plan.expansions.size(), 1u);
        CAF_CHECK_EQUAL(plan.expansions[0].first, at + 1);
        CAF_CHECK_EQUAL(plan.expansions[0].count, count);
        const auto& notes = plan.expansions[0].notes;
        CAF_CHECK(plan.notes.empty());
        CAF_CHECK_EQUAL(notes.size(), last ? 2u : 0u);
        CAF_CHECK_EQUAL(plan.moves.size(), total == 0 ? 1u : 0u);
        if (last)
          CAF_CHECK(notes[0].event.kind
                    == (total == 0 ? event_kind::fanout_skipped
                                   : event_kind::fanout_completed));
        if (total == 0)
          CAF_CHECK(plan.moves.at(0).to == task_state::succeeded);
      }
}

CAF_TEST(an empty list gives an empty list of outputs) {
  task_spec spec;
  const auto output = [&] {
    return rules::plan_page(parent_at(0, 0), spec, 0, {}, 0, now)
      .moves.at(0)
      .outputs.at(0);
  };
  CAF_CHECK_EQUAL(output().find("outputs"), std::string::npos);
  spec.collect = collect::outputs;
  CAF_CHECK_NOT_EQUAL(output().find("\"outputs\":[]"), std::string::npos);
}

CAF_TEST(a broken source ends the expansion where it is) {
  for (std::int64_t at : {0, 3}) {
    const auto plan = rules::plan_broken_source(parent_at(at, 7), "gone", now);
    CAF_CHECK_EQUAL(plan.run_starts.size(), at == 0 ? 1u : 0u);
    CAF_CHECK_EQUAL(plan.expansions.at(0).count, 0);
    CAF_CHECK_EQUAL(plan.expansions.at(0).first, at + 1);
    CAF_CHECK(!plan.expansions.at(0).broken.empty());
    CAF_CHECK(plan.moves.empty());
    CAF_CHECK_EQUAL(plan.expansions.at(0).notes.size(), 2u);
  }
}

CAF_TEST(small fan outs are submitted with their children) {
  const auto fanout = [](source_kind kind, std::int64_t total) {
    task_submission t;
    t.spec.fanout.kind = kind;
    t.total = total;
    return t;
  };
  change_set plan;
  plan.submissions.push_back({.at = now});
  auto& tasks = plan.submissions[0].tasks;
  tasks.push_back({});                              // a leaf
  tasks.push_back(fanout(source_kind::count, 4));   // fits
  tasks.push_back(fanout(source_kind::count, 100)); // does not
  tasks.push_back(fanout(source_kind::lines, 1));   // its file may change
  tasks.back().source.path = "list";
  tasks.push_back(fanout(source_kind::items, 2)); // fits
  tasks.back().spec.fanout.items = {"7", "8"};
  tasks.push_back(fanout(source_kind::range, 5)); // no more room
  tasks.push_back(fanout(source_kind::count, 0)); // needs none
  rules::add_small_fanouts(plan, 10);
  CAF_REQUIRE_EQUAL(plan.expansions.size(), 3u);
  const std::array places{1, 4, 6};
  const std::array counts{4, 2, 0};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& page = plan.expansions[i];
    CAF_CHECK_EQUAL(page.run, new_run);
    CAF_CHECK_EQUAL(page.parent, new_task(places[i]));
    CAF_CHECK_EQUAL(page.first, 1);
    CAF_CHECK_EQUAL(page.count, counts[i]);
    CAF_CHECK_EQUAL(page.notes.size(), 2u);
    CAF_CHECK(page.at == now);
  }
  CAF_CHECK_EQUAL(plan.expansions[0].items.size(), 0u);
  CAF_CHECK_EQUAL(plan.expansions[1].items.at(1), "8");
  CAF_CHECK_EQUAL(plan.leading.size(), 6u);
  CAF_CHECK_EQUAL(plan.run_starts.size(), 3u);
  CAF_REQUIRE_EQUAL(plan.moves.size(), 1u); // the empty one is settled
  CAF_CHECK_EQUAL(plan.moves[0].tasks.first, new_task(6));
}
