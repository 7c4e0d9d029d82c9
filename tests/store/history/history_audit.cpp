#include "tests/store/history/history_audit.hpp"

#include <algorithm>

#include "store/event_hash.hpp"
#include "tests/support/describe.hpp"

namespace conductor::test {

namespace {

constexpr std::size_t all = 1'000'000;

std::string at(std::int64_t key, const std::string& what) {
  return what + " of " + std::to_string(key);
}

bool waits(const task_record& t, task_state state, timestamp now) {
  return t.state == state && t.due_at != no_time && t.due_at <= now;
}

std::int64_t tasks_in(const std::vector<task_group>& groups) {
  std::int64_t tasks = 0;
  for (const auto& group : groups)
    tasks += group.tasks.count;
  return tasks;
}

} // namespace

history_audit::history_audit(store& s) : store_(&s), reader_(s.open_reader()) {}

void history_audit::follow(store& s) {
  store_ = &s;
  reader_ = s.open_reader();
  // What left no trace is forgotten: the time of a batch that changed nothing.
  latest_ = spans_.empty() ? no_time : spans_.back().at;
}

void history_audit::check(const batch_result& result) {
  const auto& fact = result.fact;
  const auto changed = !fact.events.empty() || !fact.moves.empty();
  require("a commit without a number of its own",
          !changed || fact.number == commits_ + 1);
  require("a number that was left out", fact.number <= commits_ + 1);
  require("a number that goes back", fact.number >= commits_);
  commits_ = fact.number;
  require("a commit before the one before it", fact.at >= latest_);
  latest_ = fact.at;
  for (const auto& p : fact.parents)
    require_same(at(p.task, "parent"), std::optional{p},
                 reader_->load_parent(p.task));
  for (const auto& r : fact.progress)
    require_same(at(r.key, "run"), std::optional{r}, reader_->load_run(r.key));
  for (const auto& r : fact.runs)
    require_same("id of a new run", reader_->find_run(r.id),
                 std::optional{r.key});
  for (const auto& span : fact.events) {
    require_same("date of an event", span.at, fact.at);
    auto& newest = chains_[span.run];
    newest = chain(newest, span);
    spans_.push_back(span);
    hashes_.push_back(newest);
  }
}

void history_audit::check_all(timestamp now) {
  check_runs();
  check_tasks();
  check_waiting(now);
  check_events();
  check_lists();
  check_statistics(now);
}

void history_audit::check_runs() {
  for (const auto& run : reader_->runs({})) {
    auto counted = run;
    counted.tasks = counted.succeeded = counted.failed = counted.cancelled = 0;
    task_filter top;
    top.run = run.key;
    top.top_level = true;
    for (const auto& task : reader_->list_tasks(top, 0, all)) {
      ++counted.tasks;
      counted.succeeded += task.state == task_state::succeeded;
      counted.failed += task.state == task_state::failed;
      counted.cancelled += task.state == task_state::cancelled;
    }
    require_same("counters of a run", counted, run);
    require_same("run by id", reader_->find_run(run.id),
                 std::optional{run.key});
    if (!run.idempotency_key.empty())
      require_same("run by idempotency key",
                   reader_->find_run_by_idempotency_key(run.idempotency_key),
                   std::optional{run.key});
    for (const auto& p : reader_->list_parents(run.key))
      check_parent(p);
    reader_->count_leaves(run.key);
  }
  reader_->ids();
  reader_->count_leaves(0);
}

void history_audit::check_parent(const parent_record& p) {
  auto counted = p;
  counted.children = {};
  counted.children.not_created = settled(p.state) ? 0 : p.total - p.expanded;
  task_filter children;
  children.parent = p.task;
  const auto found = reader_->list_tasks(children, 0, all);
  for (const auto& child : found) {
    ++counted.children[child.state];
    require("a key within the block of its parent",
            p.range().contains(child.key)
              && child.index == child.key - p.base + 1);
    require("a child that waits is due",
            child.state != task_state::pending || child.due_at != no_time);
  }
  require_same("children of " + std::to_string(p.task), std::ssize(found),
               static_cast<std::ptrdiff_t>(p.expanded));
  require_same("counters of a parent", counted, p);
  require("expansion", p.expanded <= p.total);
  require_same("state of a parent", reader_->load_task(p.task)->state, p.state);
  for (auto kind : {text_kind::item, text_kind::output, text_kind::error})
    reader_->texts(kind, p.range());
  const auto open = tasks_in(
    reader_->groups({.of = group_query::kind::unsettled, .parent = p.task}));
  require_same("unsettled children", open, p.expanded - p.children.settled());
}

void history_audit::check_tasks() {
  for (const auto& task : reader_->list_tasks({}, 0, all))
    check_task(task);
}

void history_audit::check_task(const task_record& task) {
  const auto key = std::optional{task.key};
  require_same(at(task.key, "record"), std::optional{task},
               reader_->load_task(task.key));
  require_same(at(task.key, "id"), reader_->find_task(task.id), key);
  require_same(at(task.key, "name"), reader_->find_task(task.run, task.name),
               key);
  const auto known = reader_->load_template(task.key);
  require(at(task.key, "template"),
          known && known->task == (task.parent ? task.parent : task.key)
            && known->run_id == task.run_id);
  const auto group = reader_->groups({.keys = {task.key, 1}});
  require_same(at(task.key, "group"), group,
               {{task.run,
                 task.parent,
                 {task.key, 1},
                 task.state,
                 task.attempt,
                 task.retry_count,
                 task.lost_count,
                 task.due_at}});
  // An id with another time is another id.
  auto other = task.id;
  other[9] = other[9] == '0' ? '1' : '0';
  require_same("task with a strange time", reader_->find_task(other),
               std::optional<task_key>{});
}

void history_audit::check_waiting(timestamp now) {
  std::int64_t due = 0, retries = 0;
  auto soonest = std::optional<timestamp>{};
  for (const auto& t : reader_->list_tasks({}, 0, all)) {
    due += waits(t, task_state::pending, now);
    retries += waits(t, task_state::retrying, now);
    if (t.state == task_state::retrying && (!soonest || t.due_at < *soonest))
      soonest = t.due_at;
  }
  require_same(
    "due tasks",
    tasks_in(reader_->groups({.of = group_query::kind::waiting, .now = now})),
    due);
  require_same("due retries",
               tasks_in(reader_->groups(
                 {.of = group_query::kind::retries_due, .now = now})),
               retries);
  require_same("next retry", reader_->next_due_at(), soonest);
  check_groups(now);
}

void history_audit::check_groups(timestamp now) {
  using kind = group_query::kind;
  for (auto of : {kind::of_range, kind::unsettled, kind::retries_due,
                  kind::abandoned, kind::waiting})
    for (std::size_t limit : {std::size_t{2}, no_limit})
      reader_->groups({.of = of,
                       .keys = {3, 9},
                       .parent = 2,
                       .now = now,
                       .after = 4,
                       .limit = limit});
  const auto abandoned = reader_->groups({.of = kind::abandoned});
  require("an order of abandoned tasks",
          std::ranges::is_sorted(abandoned, {},
                                 [](const auto& x) { return x.tasks.first; }));
}

void history_audit::check_events() {
  const auto events = reader_->list_events({}, 0, all);
  std::size_t n = 0;
  for (std::size_t s = 0; s < spans_.size(); ++s)
    for (std::int64_t i = 0; i < spans_[s].count; ++i, ++n) {
      require("an event is missing", n < events.size());
      const auto& e = events[n];
      require_same("seq of an event", e.seq, static_cast<event_seq>(n + 1));
      require_same("seq of a span", e.seq, spans_[s].seq + i);
      require_same(at(e.seq, "hash"), e.hash, hashes_[s]);
      require_same(at(e.seq, "payload"), e.payload, spans_[s].payload);
    }
  require_same("number of events", events.size(), n);
}

void history_audit::check_lists() {
  using enum task_state;
  for (run_key run = 0; run < 4; ++run)
    for (const auto* name : {"*", "t?*", "fan*#1*", "[a-f]*", "*#[2-4]", "*#2"})
      for (const auto& states :
           {std::vector{failed}, std::vector{failed, retrying},
            std::vector{pending, running}, std::vector{succeeded}}) {
        task_filter filter;
        filter.run = run;
        filter.states = states;
        filter.name = name;
        reader_->list_tasks(filter, 2, 7);
      }
  reader_->runs({.states = {run_state::running},
                 .name = "r*",
                 .since = from_ms(1'000),
                 .newest_first = true,
                 .before = 9,
                 .limit = 3});
  reader_->runs({.name = "*[02468]", .newest_first = true, .limit = 3});
  reader_->runs({.label = "number", .label_value = "2", .after = 1});
  for (const auto* name :
       {"", "run.", "task.c", "task.created", "health", "*.c*", "x"})
    for (task_key task : {0, 1, 3, 6})
      reader_->list_events({task % 2, task, name}, 3, 11);
  reader_->load_open_runs(1, 2);
  reader_->load_open_parents(1, 2);
  reader_->load_open_runs(0, all);
  reader_->load_open_parents(0, all);
}

void history_audit::check_statistics(timestamp now) {
  for (auto order : {task_order::oldest_first, task_order::slowest_first})
    for (auto before : {no_time, now, now - milliseconds{3'000}})
      for (run_key run = 0; run < 4; ++run)
        reader_->tasks({.filter = {.run = run},
                        .started_before = before,
                        .order = order,
                        .limit = 4});
  reader_->tasks({.keys = {3, 5}, .with_error = true});
  for (run_key run = 0; run < 4; ++run) {
    reader_->count_by_handler(run);
    reader_->count_errors(run, all);
    reader_->last_settled(run);
    const auto metrics = reader_->measure_retries(run);
    require_same("settled leaves", metrics.settled,
                 reader_->count_leaves(run).settled());
    for (event_seq after = 0;;) {
      const auto spans = reader_->list_event_spans(run, after, 7);
      if (spans.empty())
        break;
      after = spans.back().seq;
    }
    for (auto kind : {event_kind::task_started, event_kind::task_created})
      for (auto since : {no_time, now, now - milliseconds{4'000}})
        reader_->count_events(kind, run, since);
  }
  reader_->oldest_due(now);
  require_same("epoch", reader_->load_engine().epoch, store_->epoch());
  require_same("the newest event", reader_->last_event(),
               static_cast<event_seq>(reader_->list_events({}, 0, all).size()));
  state_counts leaves;
  for (const auto& handler : reader_->count_by_handler(0))
    leaves += handler.tasks;
  require_same("leaves by handler", leaves, reader_->count_leaves(0));
  require_same("runs by state", reader_->count_runs().total(),
               std::ssize(reader_->runs({})));
}

} // namespace conductor::test
