#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

void leases_cover_what_moved(const store_factory& make) {
  workbench w{make};
  w.submit_children(5);
  w.move(w.plan(1, {4, 1}, pending, 0, cancelled));
  w.lease(1, {2, 5}, 0);
  const auto until = w.now + milliseconds{1'000};
  require_same(
    "leases", w.leases(),
    {{{2, 2}, until, w.kept->epoch()}, {{5, 2}, until, w.kept->epoch()}});
}

void leases_end_are_extended_and_get_lost(const store_factory& make) {
  workbench w{make};
  w.submit_children(4);
  w.lease(1, {2, 2}, 0);
  w.lease(1, {4, 2}, 0);
  const auto until = w.now + milliseconds{1'000};
  const auto lost = [&](timestamp at) {
    return w.reader->load_lost_leases(w.kept->epoch(), at, 9).size();
  };
  require_same("held", lost(until), std::size_t{0});
  require_same("expired", lost(until + milliseconds{1}), std::size_t{2});
  change_set changes;
  changes.extensions = {{{2, 1}, until + milliseconds{500}},
                        {{3, 1}, until + milliseconds{900}}};
  w.apply(changes);
  require_same("by its first task", lost(until + milliseconds{1}),
               std::size_t{1});
  require_same("again", lost(until + milliseconds{501}), std::size_t{2});
  changes = {};
  changes.released = {4, 5};
  w.apply(changes);
  require_same("released", w.leases().size(), std::size_t{1});
  require_same("limit", w.reader->load_lost_leases(99, w.now, 0), {});
}

/// A child fails and is leased anew, alone, while its siblings still work under
/// the lease that it was the first of. A crash now must lose none of them.
void a_second_lease_hides_no_task_of_the_first(const store_factory& make) {
  workbench w{make};
  w.submit_children(3);
  w.lease(1, {2, 3}, 0);
  w.move(w.plan(1, {2, 1}, running, 1, retrying));
  w.move(w.plan(1, {2, 1}, retrying, 1, pending));
  w.now += milliseconds{10};
  w.lease(1, {2, 1}, 1);
  const auto until = w.now + milliseconds{1'000};
  require_same("one for both", w.leases(), {{{2, 3}, until, w.kept->epoch()}});
}

void the_claim_cursor_passes_what_cannot_be_claimed(const store_factory& make) {
  workbench w{make};
  w.submit_children(6);
  w.move(w.plan(1, {2, 1}, pending, 0, cancelled));
  w.move(w.plan(1, {4, 1}, pending, 0, cancelled));
  require_same("refusals", w.lease(1, {2, 4}, 0).refusals.size(),
               std::size_t{2});
  require_same("claimed", w.fanout(1).claimed, std::int64_t{4});
  w.lease(1, {7, 1}, 0);
  require_same("out of order", w.fanout(1).claimed, std::int64_t{4});
  w.lease(1, {6, 2}, 0);
  require_same("end", w.fanout(1).claimed, std::int64_t{6});
}

void the_claim_cursor_passes_a_page_of_nothing(const store_factory& make) {
  workbench w{make};
  w.submit_children(4);
  w.move(w.plan(1, {2, 2}, pending, 0, cancelled));
  change_set changes;
  changes.moves.push_back(w.plan(1, {2, 2}, pending, 0, running));
  const auto fact = w.commit(changes).fact;
  require_same("claimed", w.fanout(1).claimed, std::int64_t{2});
  require_same("parents", fact.parents, {w.fanout(1)});
  require_same("moves", fact.moves, {});
}

void the_claim_cursor_stays_within_what_exists(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 6)});
  w.expand(1, 1, 2);
  require_same("unborn", w.lease(1, {2, 4}, 0).refusals,
               {{4, 0, running, pending, 0}, {5, 0, running, pending, 0}});
  require_same("claimed", w.fanout(1).claimed, std::int64_t{2});
}

/// A child that was cancelled before its first claim and is retried by hand is
/// due at once; when the cursor comes first, it is due no more.
void a_child_before_the_cursor_can_be_due(const store_factory& make) {
  workbench w{make};
  w.submit_children(2);
  w.move(w.plan(1, {3, 1}, pending, 0, cancelled));
  auto again = w.plan(1, {3, 1}, cancelled, 0, pending);
  again.until = w.now;
  w.move(again);
  require_same("due", w.reader->load_due(w.now, {}, 9),
               {{{3, 1, 1, 0, 0, 0}, w.now}});
  w.lease(1, {2, 2}, 0);
  require_same("due no more", w.reader->load_due(w.now, {}, 9), {});
  require_same("record", w.task(3).due_at, no_time);
}

void a_later_attempt_leaves_the_cursor_alone(const store_factory& make) {
  workbench w{make};
  w.submit_children(2);
  w.lease(1, {3, 1}, 0);
  require_same("claimed", w.fanout(1).claimed, std::int64_t{0});
  w.lease(1, {2, 1}, 0);
  require_same("first", w.fanout(1).claimed, std::int64_t{1});
  w.move(w.plan(1, {3, 1}, running, 1, retrying));
  w.move(w.plan(1, {3, 1}, retrying, 1, pending));
  w.lease(1, {3, 1}, 1);
  require_same("attempt 2", w.fanout(1).claimed, std::int64_t{1});
}

void due_tasks_soonest_first(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), leaf("c")});
  for (task_key key = 1; key <= 3; ++key) {
    w.lease(0, {key, 1}, 0);
    auto fails = w.plan(0, {key, 1}, running, 1, retrying);
    fails.until = w.now + milliseconds{100 * (4 - key)};
    w.move(fails);
  }
  const auto later = w.now + milliseconds{200};
  require_same("retries", w.reader->load_retries_due(later, 9),
               {{3, 1, 0, 1, 0, 0}, {2, 1, 0, 1, 0, 0}});
  require_same("limit", w.reader->load_retries_due(later, 1),
               {{3, 1, 0, 1, 0, 0}});
}

} // namespace

const std::vector<conformance_case>& lease_cases() {
  static const std::vector<conformance_case> cases{
    {"leases cover what moved", leases_cover_what_moved},
    {"leases end, are extended and get lost",
     leases_end_are_extended_and_get_lost},
    {"a second lease hides no task of the first",
     a_second_lease_hides_no_task_of_the_first},
    {"the claim cursor passes what cannot be claimed",
     the_claim_cursor_passes_what_cannot_be_claimed},
    {"the claim cursor passes a page of nothing",
     the_claim_cursor_passes_a_page_of_nothing},
    {"the claim cursor stays within what exists",
     the_claim_cursor_stays_within_what_exists},
    {"a child before the cursor can be due",
     a_child_before_the_cursor_can_be_due},
    {"a later attempt leaves the cursor alone",
     a_later_attempt_leaves_the_cursor_alone},
    {"due tasks soonest first", due_tasks_soonest_first},
  };
  return cases;
}

} // namespace conductor::test
