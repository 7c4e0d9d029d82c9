#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

template <class Record>
std::vector<std::string> names(const std::vector<Record>& records) {
  std::vector<std::string> out;
  for (const auto& r : records)
    out.push_back(r.name);
  return out;
}

void tasks_by_filter_and_page(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 3), leaf("q[1]")});
  w.submit({leaf("p")});
  w.expand(1, 1, 3);
  const auto find
    = [&](task_filter filter, task_key after = 0, std::size_t limit = 99) {
        return names(w.reader->list_tasks(filter, after, limit));
      };
  require_same("all", find({}), {"p", "q[1]", "p#1", "p#2", "p#3", "p"});
  require_same("page", find({}, 2, 2), {"p#1", "p#2"});
  require_same("run", find({.run = 2}), {"p"});
  require_same("no such run", find({.run = 3}), {});
  require_same("parent", find({.parent = 1}, 3), {"p#2", "p#3"});
  require_same("top", find({.top_level = true}), {"p", "q[1]", "p"});
  w.move(w.plan(1, {4, 1}, pending, 0, cancelled));
  require_same("state", find({.states = {cancelled, failed}}), {"p#2"});
  require_same("star", find({.name = "p#*"}), {"p#1", "p#2", "p#3"});
  require_same("mark", find({.name = "?"}), {"p", "p"});
  require_same("set", find({.name = "*[13]"}), {"p#1", "p#3"});
  require_same("not", find({.name = "p#[^1-2]"}), {"p#3"});
  require_same("bracket", find({.name = "q[[]1]"}), {"q[1]"});
  require_same("case", find({.name = "P*"}), {});
}

void tasks_by_name(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 20), leaf("q")});
  w.expand(1, 1, 12);
  const auto find = [&](const char* name) {
    return w.reader->find_task(1, name).value_or(0);
  };
  require_same("top", find("q"), task_key{2});
  require_same("child", find("p#12"), task_key{14});
  for (const auto* name : {"p#13", "p#0", "p#012", "p#+1", "p#", "q#1", "#1",
                           "", "P", "p#1 ", "p#99999999999999999999"})
    require_same(name, find(name), task_key{0});
  require_same("run", w.reader->find_task(2, "q"), std::optional<task_key>{});
}

void runs_by_filter_and_page(const store_factory& make) {
  workbench w{make};
  for (int i = 0; i < 4; ++i) {
    w.submit({leaf("a")});
    w.now += milliseconds{100};
  }
  w.apply_parts(start_of_run(2));
  const auto find = [&](run_query query) {
    std::vector<run_key> out;
    query.newest_first = query.after == 0;
    for (const auto& r : w.reader->runs(query))
      out.push_back(r.key);
    return out;
  };
  require_same("newest first", find({}), {4, 3, 2, 1});
  require_same("page", find({.before = 4, .limit = 2}), {3, 2});
  require_same("oldest first", find({.after = 1, .limit = 2}), {2, 3});
  require_same("one", find({.key = 3}), {3});
  require_same("state", find({.states = {run_state::running}}), {2});
  require_same("name", find({.name = "r?n"}), {4, 3, 2, 1});
  require_same("no name", find({.name = "run?"}), {});
  require_same("since", find({.since = w.run(3).created_at}), {4, 3});
  require_same("open", w.reader->load_open_runs(2, 1), {w.run(3)});
  w.apply_parts(w.plan(0, {1, 1}, pending, 0, cancelled),
                move_run{1, run_state::pending, run_state::cancelled, {}});
  require_same("settled runs are not open", find({.open = true}), {4, 3, 2});
  require_same("no id", w.reader->find_run("nonsense"),
               std::optional<run_key>{});
}

void leaves_are_counted(const store_factory& make) {
  workbench w{make};
  w.submit({parent("p", 5), leaf("a")});
  w.submit({leaf("b"), parent("empty", 0)});
  w.expand(1, 1, 3);
  w.lease(1, {3, 2}, 0);
  w.move(w.plan(1, {3, 1}, running, 1, failed));
  require_same(
    "run 1", w.reader->count_leaves(1),
    state_counts{.not_created = 2, .pending = 2, .running = 1, .failed = 1});
  require_same("run 2", w.reader->count_leaves(2), state_counts{.pending = 1});
  require_same("all", w.reader->count_leaves(0).total(), std::int64_t{7});
  require_same("parents", w.reader->list_parents(2), {w.progress(9)});
  require_same("all parents", w.reader->parents({}),
               {w.progress(1), w.progress(9)});
  require_same("page", w.reader->parents({.after = 1, .limit = 1}),
               {w.progress(9)});
}

void running_tasks_that_may_be_stuck(const store_factory& make) {
  workbench w{make};
  w.submit_children(4);
  const auto start = w.now;
  w.lease(1, {2, 3}, 0);
  w.now += milliseconds{100};
  w.move(w.plan(1, {3, 1}, running, 1, retrying));
  w.move(w.plan(1, {3, 1}, retrying, 1, pending));
  w.lease(1, {3, 1}, 1);
  const auto find = [&](timestamp before, std::size_t limit) {
    return names(w.reader->tasks({.filter = {.run = 1},
                                  .started_before = before,
                                  .order = task_order::oldest_first,
                                  .limit = limit}));
  };
  require_same("none", find(start, 9), {});
  require_same("first", find(w.now, 9), {"p#1", "p#3"});
  require_same("each once", find(w.now + milliseconds{1}, 9),
               {"p#1", "p#3", "p#2"});
  require_same("limit", find(w.now + milliseconds{1}, 1), {"p#1"});
  require_same(
    "another run",
    w.reader->tasks({.filter = {.run = 2}, .order = task_order::oldest_first}),
    {});
  require_same("by key, begun before",
               names(w.reader->tasks({.started_before = w.now})),
               {"p#1", "p#3"});
}

void slowest_and_retried(const store_factory& make) {
  workbench w{make};
  w.submit({leaf("a"), leaf("b"), leaf("c"), leaf("d"), parent("p", 0)});
  w.lease(0, {1, 4}, 0);
  for (task_key key : {2, 1, 3}) {
    w.now += milliseconds{100};
    w.move(w.plan(0, {key, 1}, running, 1, key == 1 ? retrying : failed));
  }
  auto retry = w.plan(0, {1, 1}, retrying, 1, pending);
  retry.retried = true;
  w.move(retry);
  w.lease(0, {1, 1}, 1);
  w.move(w.plan(0, {1, 1}, running, 2, succeeded));
  w.move(w.plan(0, {4, 1}, running, 1, cancelled));
  const auto slowest = [&](run_key run, std::size_t limit) {
    return names(w.reader->tasks({.filter = {.run = run},
                                  .order = task_order::slowest_first,
                                  .limit = limit}));
  };
  require_same("slowest", slowest(1, 9), {"c", "b", "a"});
  require_same("limit", slowest(1, 1), {"c"});
  require_same("no such run", slowest(2, 9), {});
  const retry_metrics metrics{1, 1, 1, 2, 5, 4};
  require_same("run", w.reader->measure_retries(1), metrics);
  require_same("all", w.reader->measure_retries(0), metrics);
  require_same("nobody", w.reader->measure_retries(2), retry_metrics{});
}

void events_are_counted(const store_factory& make) {
  workbench w{make};
  w.submit_children(5);
  w.now += milliseconds{100};
  w.submit({leaf("a")});
  const auto count = [&](run_key run, timestamp since) {
    return w.reader->count_events(event_kind::task_created, run, since);
  };
  require_same("ever", count(0, no_time), std::int64_t{7});
  require_same("run", count(1, no_time), std::int64_t{6});
  require_same("since", count(0, w.now), std::int64_t{1});
  require_same("run since", count(1, w.now), std::int64_t{0});
  require_same(
    "kinds",
    w.reader->count_events({event_kind::run_created, event_kind::task_created},
                           0, no_time),
    {2, 7});
  require_same("later", count(0, w.now + milliseconds{1}), std::int64_t{0});
}

void runs_by_label(const store_factory& make) {
  workbench w{make};
  for (const auto* meta : {R"({"owner":"ops","tries":3})",
                           R"({"owner":"dev","live":true})", "{}"}) {
    auto run = run_of({leaf("a")});
    run.meta = meta;
    w.apply_parts(run);
  }
  const auto find = [&](const char* label, const char* value) {
    std::vector<run_key> out;
    for (const auto& r : w.reader->runs({.label = label, .label_value = value}))
      out.push_back(r.key);
    return out;
  };
  require_same("text", find("owner", "ops"), {1});
  require_same("number", find("tries", "3"), {1});
  require_same("truth", find("live", "true"), {2});
  require_same("another value", find("owner", "OPS"), {});
  require_same("no such label", find("own", "ops"), {});
}

void leaves_by_handler(const store_factory& make) {
  workbench w{make};
  auto other = leaf("x");
  other.spec.handler = "other";
  w.submit({parent("p", 4), leaf("a"), other});
  w.submit({other});
  w.expand(1, 1, 2);
  w.lease(0, {2, 1}, 0);
  require_same("run 1", w.reader->count_by_handler(1),
               {{"other", {.pending = 1}},
                {"work", {.not_created = 2, .pending = 2, .running = 1}}});
  require_same("run 2", w.reader->count_by_handler(2),
               {{"other", {.pending = 1}}});
  require_same("all", w.reader->count_by_handler(0),
               {{"other", {.pending = 2}},
                {"work", {.not_created = 2, .pending = 2, .running = 1}}});
  require_same("no such run", w.reader->count_by_handler(3), {});
}

void a_snapshot_is_one_moment(const store_factory& make) {
  workbench w{make};
  w.submit_children(3);
  auto others = w.kept->open_reader();
  {
    const auto moment = w.reader->snapshot();
    const auto before = w.progress(1);
    const auto events = w.reader->last_event();
    w.claim(2);
    w.submit({leaf("late")});
    require_same("parent", w.progress(1), before);
    require_same("task", w.task(2).state, pending);
    require_same("run", w.run(1).state, run_state::pending);
    require_same("runs", w.reader->runs({}).size(), std::size_t{1});
    require_same("events", w.reader->last_event(), events);
    require_same("another reader", others->runs({}).size(), std::size_t{2});
  }
  require_same("after it", w.task(2).state, running);
  require_same("runs after it", w.reader->runs({}).size(), std::size_t{2});
}

void the_engine_speaks_of_itself(const store_factory& make) {
  workbench w{make};
  require_same("nothing yet", w.reader->load_engine().report,
               std::string{"[]"});
  const auto before = w.reader->load_engine().commits;
  const engine_report report{R"([{"name":"x"}])"};
  w.apply_parts(report);
  const auto engine = w.reader->load_engine();
  require_same("report", engine.report, report.text);
  require_same("commits", engine.commits, before + 1);
  w.submit({leaf("a")});
  require_same("it stays", w.reader->load_engine().report, report.text);
}

} // namespace

const std::vector<conformance_case>& list_cases() {
  static const std::vector<conformance_case> cases{
    {"tasks by filter and page", tasks_by_filter_and_page},
    {"tasks by name", tasks_by_name},
    {"runs by filter and page", runs_by_filter_and_page},
    {"leaves are counted", leaves_are_counted},
    {"running tasks that may be stuck", running_tasks_that_may_be_stuck},
    {"slowest and retried", slowest_and_retried},
    {"events are counted", events_are_counted},
    {"runs by label", runs_by_label},
    {"leaves by handler", leaves_by_handler},
    {"a snapshot is one moment", a_snapshot_is_one_moment},
    {"the engine speaks of itself", the_engine_speaks_of_itself},
  };
  return cases;
}

} // namespace conductor::test
