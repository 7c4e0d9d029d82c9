#include "store/event_hash.hpp"
#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

void events_as_people_see_them(const store_factory& make) {
  workbench w{make};
  w.submit_children(3);
  const auto events = w.reader->list_events({}, 0, 99);
  require_same("count", events.size(), std::size_t{5});
  const auto& e = events[3];
  require_same("seq", e.seq, event_seq{4});
  require_same("id", e.id, w.reader->ids().text(id_kind::event, w.now, 4));
  require_same("run", e.run_id, w.run(1).id);
  require_same("task", e.task_id, w.task(3).id);
  require_same("task name", e.task_name, std::string{"p#2"});
  require_same("name", e.name, std::string{"task.created"});
  require_same("no task", events[0].task_id + events[0].task_name,
               std::string{});
}

void an_event_of_a_range_names_each_task(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), parent("p", 0), leaf("b")});
  auto cancel = w.plan(0, {1, 3}, pending, 0, cancelled);
  cancel.events = {{event_kind::task_cancelled, "{}"}};
  w.move(cancel);
  std::vector<std::string> seen;
  for (const auto& e : w.reader->list_events({0, 0, "task.canc"}, 0, 9))
    seen.push_back(e.task_name);
  require_same("names", seen, {"a", "p", "b"});
  const auto last = w.reader->list_events({0, 3, "task.canc"}, 0, 9);
  require_same("of one", last.at(0).task_name, std::string{"b"});
}

void events_by_filter_and_page(const store_factory& make) {
  workbench w{make};
  w.submit_children(3);
  w.submit({leaf("b")});
  const auto seqs
    = [&](event_filter filter, event_seq after, std::size_t limit) {
        std::vector<event_seq> out;
        for (const auto& e : w.reader->list_events(filter, after, limit))
          out.push_back(e.seq);
        return out;
      };
  require_same("page", seqs({}, 3, 2), {4, 5});
  require_same("run", seqs({2, 0, ""}, 0, 9), {6, 7});
  require_same("task", seqs({0, 3, ""}, 0, 9), {4});
  require_same("prefix", seqs({0, 0, "run."}, 0, 9), {1, 6});
  require_same("task of another run", seqs({2, 3, ""}, 0, 9), {});
  require_same("pattern", seqs({0, 0, "t*.created"}, 0, 9),
               seqs({0, 0, "task."}, 0, 9));
  require_same("no kind", seqs({0, 0, "task.?"}, 0, 9), {});
}

void events_are_chained_run_by_run(const store_factory& make) {
  workbench w{make};
  std::vector<event_span> spans;
  for (int i = 0; i < 3; ++i) {
    change_set changes;
    changes.add(run_of({leaf("a"), leaf("b")}));
    if (i > 0)
      changes.add(append_event{1, 2, {event_kind::task_late_result, "\"ä\""}});
    changes.add(append_event{0, 0, {event_kind::health_changed, "{}"}});
    for (auto& span : w.commit(changes).fact.events)
      spans.push_back(span);
  }
  std::vector<std::uint64_t> newest(4);
  const auto events = w.reader->list_events({}, 0, 99);
  require_same("count", events.size(), spans.size());
  for (std::size_t i = 0; i < spans.size(); ++i) {
    auto& hash = newest[static_cast<std::size_t>(spans[i].run)];
    hash = chain(hash, spans[i]);
    require_same("hash of " + std::to_string(i + 1), events[i].hash, hash);
  }
}

void a_hash_tells_spans_apart(const store_factory&) {
  const event_span span{7, 1, 3, 2, event_kind::task_failed, from_ms(5), "{}"};
  const auto hash = chain(1, span);
  std::vector<event_span> others(6, span);
  others[0].seq = 8;
  others[1].first = 4;
  others[2].count = 3;
  others[3].kind = event_kind::task_created;
  others[4].at = from_ms(6);
  others[5].payload = std::string{"{}\0", 3};
  for (const auto& other : others)
    require("another hash", chain(1, other) != hash);
  require("another past", chain(2, span) != hash);
  require_same("stored, never to change", hash,
               std::uint64_t{4227876223996214303});
}

void long_ranges_make_several_spans(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 2'500)});
  std::vector<std::int64_t> counts;
  for (const auto& span : w.commit_parts(page(1, 2'500)).fact.events)
    counts.push_back(span.count);
  require_same("spans", counts, {1'024, 1'024, 452});
  const auto events = w.reader->list_events({}, 2'000, 9'999);
  require_same("events", events.size(), std::size_t{502});
  require_same("last", events.back().task_name, std::string{"p#2500"});
  counts.clear();
  auto lease
    = w.plan(1, {600, 1'500}, task_state::pending, 0, task_state::running);
  lease.events = {task_started(1)};
  for (const auto& span : w.commit_parts(lease).fact.events)
    counts.push_back(span.count);
  require_same("of a move", counts, {1'024, 476});
}

void the_time_never_runs_back(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), parent("p", 1)});
  const auto latest = w.now;
  w.now -= milliseconds{60'000};
  auto lease = w.plan(0, {1, 1}, pending, 0, running);
  lease.events = {task_started(1)};
  const auto result = w.commit_parts(lease, run_of({leaf("b")}));
  require_same("at", result.fact.at, latest);
  require_same("reply", result.replies[0].at, latest);
  for (const auto& e : result.fact.events)
    require_same("event", e.at, latest);
  require_same("started", w.task(1).started_at, latest);
  require_same("run", w.run(2).created_at, latest);
  require_same("id", w.run(2).id,
               w.reader->ids().text(id_kind::run, latest, 2));
  auto fails = w.plan(0, {1, 1}, running, 1, retrying);
  w.move(fails);
  require_same("due", w.task(1).due_at, latest + fails.delay);
  w.now = latest + milliseconds{5};
  require_same("on", w.commit_parts(start_of_run(1)).fact.at, w.now);
  w.now = latest;
  require_same("after a commit without tasks", w.commit(change_set{}).fact.at,
               latest + milliseconds{5});
}

void a_commit_dates_its_retries(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a")});
  w.lease(0, {1, 1}, 0);
  w.now += milliseconds{250};
  auto fails = w.plan(0, {1, 1}, running, 1, retrying);
  fails.events = {task_failed(1, fails.error, true), task_started(1)};
  const auto fact = w.commit_parts(fails).fact;
  const auto due = w.now + fails.delay;
  require_same("payload", fact.events.at(0).payload,
               R"({"attempt":1,"error":{"type":"boom"},"retry_at":")"
                 + to_iso(due) + "\"}");
  require_same("kept", w.reader->list_events({}, 0, 9).at(2).payload,
               fact.events[0].payload);
  require_same("others as they are", fact.events.at(1).payload,
               task_started(1).payload);
  require_same("due", w.task(1).due_at, due);
}

void event_spans_by_run_and_page(const store_factory& make) {
  workbench w{make};
  std::vector<event_span> spans;
  const auto commit = [&](change_set changes) {
    for (auto& span : w.commit(std::move(changes)).fact.events)
      spans.push_back(std::move(span));
  };
  commit(set_of(run_of({parent("p", 2'000)}), run_of({parent("q", 2'000)})));
  commit(set_of(page(1, 2'000)));
  w.now += milliseconds{100};
  auto leased = w.plan(1, {2, 1'500}, pending, 0, running);
  leased.events.push_back({event_kind::task_started, "{\"a\":1}"});
  commit(set_of(leased));
  std::erase_if(spans, [](const auto& span) { return span.run != 1; });
  for (auto& span : spans)
    span.payload.clear();
  require_same("spans of the run", spans.size(), std::size_t{6});
  require_same("all", w.reader->list_event_spans(1, 0, 99), spans);
  require_same("page", w.reader->list_event_spans(1, spans[1].seq, 2),
               {spans[2], spans[3]});
  require_same("end", w.reader->list_event_spans(1, spans[5].seq, 9), {});
  require_same("no such run", w.reader->list_event_spans(3, 0, 9), {});
}

} // namespace

const std::vector<conformance_case>& event_cases() {
  static const std::vector<conformance_case> cases{
    {"events as people see them", events_as_people_see_them},
    {"an event of a range names each task",
     an_event_of_a_range_names_each_task},
    {"events by filter and page", events_by_filter_and_page},
    {"events are chained run by run", events_are_chained_run_by_run},
    {"a hash tells spans apart", a_hash_tells_spans_apart},
    {"long ranges make several spans", long_ranges_make_several_spans},
    {"the time never runs back", the_time_never_runs_back},
    {"a commit dates its retries", a_commit_dates_its_retries},
    {"event spans by run and page", event_spans_by_run_and_page},
  };
  return cases;
}

} // namespace conductor::test
