#include "tests/store/history/random_history.hpp"

#include <algorithm>

#include <conductor/event_payload.hpp>
#include <conductor/lifecycle.hpp>

#include "tests/store/history/history_audit.hpp"
#include "tests/support/dice.hpp"

namespace conductor::test {

namespace {

using enum task_state;

class history {
public:
  history(store& s, std::uint64_t seed)
    : store_(&s), reader_(s.open_reader()), audit_(s), d_(seed) {}

  void step();
  void check_all() { audit_.check_all(now_); }
  bool reopens() { return d_.chance(6); }
  void close() { reader_.reset(); }
  void follow(store& s) {
    store_ = &s;
    reader_ = s.open_reader();
    audit_.follow(s);
    // Lists that no task uses are gone.
    lists_.clear();
    list_sizes_.clear();
  }

private:
  void look();
  change_set plan();
  void plan_submission(change_set& out);
  void plan_with_submission(change_set& out, const submission& s);
  void plan_items(change_set& out);
  expand_parent plan_expansion();
  std::optional<move_tasks> plan_move();
  std::optional<move_tasks> plan_retry();
  std::optional<move_tasks> plan_result();
  claim_tasks plan_claim();
  task_range plan_range(const task_record& anchor);
  void finish(move_tasks& m);
  move_run plan_run_move();
  append_event plan_event();
  std::vector<event_entry> plan_events();

  store* store_;
  std::unique_ptr<store_reader> reader_;
  history_audit audit_;
  dice d_;
  timestamp now_ = from_ms(1'700'000'000'000);
  int submitted_ = 0;
  std::vector<run_record> runs_;
  std::vector<task_record> tasks_;
  std::vector<parent_record> parents_;
  std::vector<list_key> lists_; ///< given out by the store
  std::vector<std::int64_t> list_sizes_;
};

void history::look() {
  runs_ = reader_->runs({});
  tasks_ = reader_->tasks({});
  parents_ = reader_->parents({});
}

/// All change sets of a batch are planned from the same view, so that the later
/// ones are stale more often than not. The clock runs back at times.
void history::step() {
  now_ += milliseconds{d_.pick(0, 900)};
  look();
  std::vector<change_set> batch;
  for (auto n = d_.pick(1, 3); n > 0; --n)
    batch.push_back(plan());
  if (d_.chance(10))
    batch.push_back(batch.front());
  const auto late = milliseconds{d_.chance(10) ? d_.pick(1, 3'000) : 0};
  const auto result = store_->commit(batch, now_ - late);
  audit_.check(result);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    std::size_t answer = 0;
    for (const auto& part : batch[i].parts)
      if (const auto* items = std::get_if<append_items>(&part)) {
        const auto list = result.replies[i].lists.at(answer++);
        if (list != 0 && items->list == 0) {
          lists_.push_back(list);
          list_sizes_.push_back(std::ssize(items->items));
        }
      }
  }
  store_->maintain();
}

change_set history::plan() {
  change_set out;
  if (d_.chance(15))
    plan_items(out);
  if (runs_.empty() || (d_.chance(15) && runs_.size() < 12))
    plan_submission(out);
  if (runs_.empty())
    return out;
  if (d_.chance(20))
    out.add(plan_event());
  if (d_.chance(20))
    out.add(move_run{d_.one_of(runs_).key, run_state::pending,
                     run_state::running, plan_events()});
  for (auto n = d_.pick(0, 2); n > 0; --n)
    out.add(plan_expansion());
  // A pass does not claim.
  const auto pass = d_.chance(25);
  if (pass)
    out.add(pass_events{d_.chance(50) ? pass_events::kind::retry
                                      : pass_events::kind::aggregate});
  for (auto n = d_.pick(0, 5); n > 0; --n) {
    const auto kind = d_.pick(1, 10);
    if (kind < 4 && !pass) {
      out.add(plan_claim());
      continue;
    }
    auto move = kind < 6   ? plan_retry()
                : kind < 8 ? plan_result()
                           : plan_move();
    if (move)
      out.add(std::move(*move));
  }
  if (d_.chance(25))
    out.add(plan_run_move());
  if (d_.chance(20))
    out.add(plan_event());
  if (d_.chance(5))
    out.add(engine_report{"[" + std::to_string(d_.pick(1, 9)) + "]"});
  return out;
}

// -- submissions --------------------------------------------------------------

void history::plan_items(change_set& out) {
  if (!lists_.empty() && d_.chance(20)) {
    const auto place = d_.pick(0, std::ssize(lists_) - 1);
    out.add(drop_items{lists_[static_cast<std::size_t>(place)]});
    lists_.erase(lists_.begin() + place);
    list_sizes_.erase(list_sizes_.begin() + place);
    return;
  }
  append_items part;
  if (!lists_.empty() && d_.chance(20)) {
    const auto place
      = static_cast<std::size_t>(d_.pick(0, std::ssize(lists_) - 1));
    part.list = lists_[place];
    part.first = list_sizes_[place] + (d_.chance(30) ? 1 : 0);
  }
  for (auto n = d_.pick(12, 15); n > 0; --n)
    part.items.push_back(R"({"n":)" + std::to_string(d_.pick(1, 99)) + "}");
  out.add(std::move(part));
}

/// Only lists that are in use may be named by a later submission: others may be
/// gone, and a submission does not look.
void history::plan_submission(change_set& out) {
  std::vector<list_key> lists;
  for (const auto& p : parents_)
    if (p.items != 0)
      lists.push_back(p.items);
  if (lists.empty())
    lists = lists_;
  const auto s = random_submission(d_, ++submitted_, lists);
  out.add(s);
  if (d_.chance(50))
    plan_with_submission(out, s);
}

/// Children, a start and an event for what the submission creates.
void history::plan_with_submission(change_set& out, const submission& s) {
  out.add(
    move_run{new_run, run_state::pending, run_state::running, plan_events()});
  for (std::int64_t i = 0; i < std::ssize(s.tasks); ++i) {
    const append_event said{new_run, new_task(i), fanout_detected(1)};
    out.add(said);
    const auto total = s.tasks[static_cast<std::size_t>(i)].total;
    if (total <= 0)
      continue;
    out.add(expand_parent{.run = new_run,
                          .parent = new_task(i),
                          .count = d_.pick(1, total),
                          .before = {said},
                          .after = {said, said}});
  }
}

expand_parent history::plan_expansion() {
  expand_parent out;
  if (parents_.empty() || d_.chance(5)) {
    const auto task = d_.one_of(tasks_); // perhaps not a parent
    out.run = task.run;
    out.parent = d_.chance(50) ? task.key : 1'000'000;
    return out;
  }
  const auto p = d_.one_of(parents_);
  out.run = d_.chance(95) ? p.run : d_.one_of(runs_).key;
  out.parent = p.task;
  out.first = p.expanded + 1 + (d_.chance(10) ? d_.pick(-1, 2) : 0);
  out.count = d_.pick(0, 6);
  if (d_.chance(85))
    out.count = std::min(out.count, p.total - p.expanded);
  if (d_.chance(4))
    out.expansion_error = R"({"type":"source_changed"})";
  if (d_.chance(30))
    out.before = {{p.run, p.task, fanout_detected(p.total)}};
  if (d_.chance(30))
    out.after = {{p.run, 0, fanout_started()}};
  return out;
}

// -- moves --------------------------------------------------------------------

std::vector<task_state> targets(task_state from, bool parent, bool leaf) {
  std::vector<task_state> out;
  for (auto to : {pending, running, succeeded, retrying, failed, cancelled})
    if ((!parent || legal_parent_move(from, to))
        && (!leaf || legal_leaf_move(from, to)))
      out.push_back(to);
  return out;
}

/// Siblings from the anchor on; at times more than exist.
task_range history::plan_range(const task_record& anchor) {
  auto end = anchor.key + (d_.chance(40) ? 1 : d_.pick(1, 7));
  if (d_.chance(5))
    return {anchor.key, end - anchor.key};
  if (anchor.parent) {
    const auto p = reader_->load_parent(anchor.parent);
    return {anchor.key,
            std::min(end, p->base + (d_.chance(5) ? p->total : p->expanded))
              - anchor.key};
  }
  const auto run = reader_->load_run(anchor.run);
  return {anchor.key, std::min(end, run->first_task + run->tasks) - anchor.key};
}

std::optional<move_tasks> history::plan_move() {
  const auto anchor = d_.one_of(tasks_);
  move_tasks m;
  m.run = anchor.run;
  m.parent = anchor.parent;
  m.tasks = plan_range(anchor);
  m.from = anchor.state;
  m.attempt = anchor.attempt;
  if (d_.chance(8))
    m.from
      = d_.one_of(std::vector{pending, running, retrying, failed, cancelled});
  if (d_.chance(8))
    m.attempt += static_cast<std::int32_t>(d_.pick(-1, 1));
  bool parent = false, leaf = false;
  for (auto key = m.tasks.first; key < m.tasks.end(); ++key)
    (reader_->load_parent(key) ? parent : leaf) = true;
  const auto hostile = d_.chance(8);
  const auto possible = targets(m.from, parent && !hostile, leaf && !hostile);
  if (possible.empty())
    return std::nullopt;
  m.to = d_.one_of(possible);
  if (d_.chance(3))
    m.parent = d_.one_of(tasks_).key;
  if (d_.chance(3))
    m.run = d_.pick(1, 14);
  finish(m);
  return m;
}

/// What retry roles do: they put back what is due or was abandoned.
std::optional<move_tasks> history::plan_retry() {
  auto found = reader_->groups(
    {.of = group_query::kind::abandoned, .now = now_, .limit = 5});
  const auto lost = !found.empty();
  if (!lost)
    found = reader_->groups(
      {.of = group_query::kind::retries_due, .now = now_, .limit = 5});
  if (found.empty())
    return std::nullopt;
  const auto group = d_.one_of(found);
  move_tasks m;
  m.run = group.run;
  m.parent = group.parent;
  m.tasks = group.tasks;
  m.from = group.state;
  m.attempt = group.attempt;
  m.to = lost ? retrying : pending;
  finish(m);
  m.lost = lost;
  return m;
}

/// A result of an attempt, perhaps of some tasks in the middle of a segment.
std::optional<move_tasks> history::plan_result() {
  std::vector<task_record> leased;
  for (const auto& task : tasks_)
    if (task.state == running)
      leased.push_back(task);
  if (leased.empty())
    return std::nullopt;
  const auto anchor = d_.one_of(leased);
  move_tasks m;
  m.run = anchor.run;
  m.parent = anchor.parent;
  m.tasks = plan_range(anchor);
  m.from = running;
  m.attempt = anchor.attempt;
  m.to = d_.one_of(std::vector{succeeded, succeeded, retrying, failed});
  m.report_late = d_.chance(50);
  finish(m);
  return m;
}

/// What goes with a move, once it is known from where to where.
void history::finish(move_tasks& m) {
  if (m.to == retrying) {
    m.delay = milliseconds{d_.pick(1, 5'000)};
    m.budgeted = d_.chance(80);
  }
  if (m.from == running && d_.chance(50))
    m.ran = milliseconds{d_.pick(0, 2'000)};
  m.retried = m.from == retrying && m.to == pending && d_.chance(80);
  m.lost = m.from == running && m.to != succeeded && d_.chance(20);
  if (m.to == succeeded && d_.chance(60))
    for (auto n = m.tasks.count; n > 0; --n)
      m.outputs.push_back(
        d_.chance(20) ? ""
                      : R"({"sum":)" + std::to_string(d_.pick(1, 99)) + "}");
  if (m.to == failed || m.to == retrying)
    m.error = R"({"type":"boom","n":)" + std::to_string(d_.pick(1, 4)) + "}";
  m.events = plan_events();
  if (!m.error.empty())
    m.events.push_back(task_failed(m.attempt, m.error, m.to == retrying));
}

// -- the rest -----------------------------------------------------------------

claim_tasks history::plan_claim() {
  claim_tasks out;
  out.limit = d_.pick(0, 12);
  for (auto n = d_.pick(1, 3); n > 0; --n)
    out.rooms.push_back(
      {"handler" + std::to_string(d_.pick(1, 4)), d_.pick(0, 6)});
  if (!parents_.empty() && d_.chance(20))
    out.rooms.back().parent = d_.one_of(parents_).task;
  return out;
}

move_run history::plan_run_move() {
  const auto run = d_.one_of(runs_);
  move_run m{run.key, run.state, run_state::running, plan_events()};
  if (d_.chance(20))
    m.from = run_state::failed;
  m.to = d_.one_of(std::vector{run_state::running, run_state::succeeded,
                               run_state::failed, run_state::cancelled});
  return m;
}

append_event history::plan_event() {
  append_event out{0, 0, {event_kind::health_changed, "{}"}};
  if (d_.chance(20))
    return out;
  const auto task = d_.one_of(tasks_);
  out.run = d_.chance(95) ? task.run : d_.pick(1, 20);
  out.task = d_.chance(50) ? task.key : 0;
  out.event.kind = event_kind::task_late_result;
  out.event.payload = R"({"n":)" + std::to_string(d_.pick(1, 99)) + "}";
  return out;
}

std::vector<event_entry> history::plan_events() {
  std::vector<event_entry> out;
  for (auto n = d_.pick(0, 2); n > 0; --n)
    out.push_back(
      {d_.one_of(std::vector{event_kind::task_started, event_kind::task_failed,
                             event_kind::run_aggregated}),
       R"({"n":)" + std::to_string(n) + "}"});
  return out;
}

template <class After>
void run_history(history& h, std::uint64_t seed, int steps, After after) {
  for (int i = 1; i <= steps; ++i) {
    try {
      h.step();
      if (i % 5 == 0 || i == steps)
        h.check_all();
      after();
    } catch (const std::exception& failure) {
      throw std::logic_error{"seed " + std::to_string(seed) + ", step "
                             + std::to_string(i) + ": " + failure.what()};
    }
  }
}

} // namespace

void random_history(store& s, std::uint64_t seed, int steps) {
  history h{s, seed};
  run_history(h, seed, steps, [] {});
}

void random_history(std::unique_ptr<store> s, const store_reopener& reopen,
                    std::uint64_t seed, int steps) {
  history h{*s, seed};
  run_history(h, seed, steps, [&] {
    if (!h.reopens())
      return;
    h.close();
    s = reopen(std::move(s));
    h.follow(*s);
  });
}

} // namespace conductor::test
