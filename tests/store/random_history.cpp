#include "tests/store/random_history.hpp"

#include <algorithm>

#include "tests/support/dice.hpp"
#include "tests/store/history_audit.hpp"

namespace conductor::test {

namespace {

using enum task_state;

class history {
public:
  history(store& s, std::uint64_t seed)
    : store_(s), reader_(s.open_reader()), audit_(s), d_(seed) {}

  void step();
  void check_all() { audit_.check_all(now_); }

private:
  timestamp soon() { return now_ + milliseconds{d_.pick(1, 5'000)}; }

  void look();
  change_set plan();
  void plan_with_submission(change_set& out);
  expansion plan_expansion();
  std::optional<task_move> plan_move();
  std::optional<task_move> plan_claim();
  std::optional<task_move> plan_retry();
  task_range plan_range(const task_record& anchor);
  void finish(task_move& m);
  run_move plan_run_move();
  task_key plan_lease();
  note plan_note();
  std::vector<event_entry> plan_events();

  store& store_;
  std::unique_ptr<store_reader> reader_;
  history_audit audit_;
  dice d_;
  timestamp now_ = from_ms(1'700'000'000'000);
  int submitted_ = 0;
  std::vector<run_record> runs_;
  std::vector<task_record> tasks_;
  std::vector<fanout_record> fanouts_;
  std::vector<lease_record> leases_;
};

void history::look() {
  runs_ = reader_->list_runs({}, 0, 1'000'000);
  tasks_ = reader_->list_tasks({}, 0, 1'000'000);
  leases_ = reader_->load_lost_leases(store_.epoch() + 1, now_, 1'000);
  fanouts_.clear();
  for (const auto& run : runs_)
    for (auto& f : reader_->list_fanouts(run.key))
      fanouts_.push_back(std::move(f));
}

/// All change sets of a batch are planned from the same view, so that the later
/// ones are stale more often than not.
void history::step() {
  now_ += milliseconds{d_.pick(0, 900)};
  look();
  std::vector<change_set> batch;
  for (auto n = d_.pick(1, 3); n > 0; --n)
    batch.push_back(plan());
  if (d_.chance(10))
    batch.push_back(batch.front());
  audit_.check(store_.commit(batch));
  store_.maintain();
}

change_set history::plan() {
  change_set out;
  if (runs_.empty() || (d_.chance(15) && runs_.size() < 12))
    out.submissions.push_back(random_submission(d_, ++submitted_, now_));
  if (!out.submissions.empty() && d_.chance(50))
    plan_with_submission(out);
  if (runs_.empty())
    return out;
  if (d_.chance(20))
    out.leading.push_back(plan_note());
  if (d_.chance(20))
    out.run_starts.push_back({d_.one_of(runs_).key, run_state::pending,
                              run_state::running, now_, plan_events()});
  for (auto n = d_.pick(0, 2); n > 0; --n)
    out.expansions.push_back(plan_expansion());
  for (auto n = d_.pick(0, 4); n > 0; --n) {
    const auto kind = d_.pick(1, 10);
    auto move = kind < 4 ? plan_claim() : kind < 6 ? plan_retry() : plan_move();
    if (move)
      out.moves.push_back(std::move(*move));
  }
  if (d_.chance(20))
    out.run_moves.push_back(plan_run_move());
  if (d_.chance(20))
    out.released.push_back(plan_lease());
  if (d_.chance(20))
    out.extensions.push_back({{plan_lease(), d_.pick(1, 9)}, soon()});
  if (d_.chance(20))
    out.notes.push_back(plan_note());
  return out;
}

/// Children, a start and a note for what the submission creates.
void history::plan_with_submission(change_set& out) {
  const auto& tasks = out.submissions.front().tasks;
  out.run_starts.push_back(
    {new_run, run_state::pending, run_state::running, now_, plan_events()});
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto key = new_task(static_cast<std::int64_t>(i));
    const note told{new_run, key, now_, {event_kind::fanout_detected, "{}"}};
    out.leading.push_back(told);
    if (tasks[i].total <= 0)
      continue;
    expansion page{.run = new_run, .parent = key, .at = now_, .notes = {told}};
    page.count = d_.pick(1, static_cast<int>(tasks[i].total));
    out.expansions.push_back(std::move(page));
  }
}

expansion history::plan_expansion() {
  expansion out;
  out.at = now_;
  out.offset = d_.pick(0, 1'000);
  if (fanouts_.empty() || d_.chance(5)) {
    const auto task = d_.one_of(tasks_); // perhaps no parent
    out.run = task.run;
    out.parent = d_.chance(50) ? task.key : 1'000'000;
    return out;
  }
  const auto f = d_.one_of(fanouts_);
  out.run = f.run;
  out.parent = f.task;
  out.first = f.expanded + 1 + (d_.chance(10) ? d_.pick(-1, 2) : 0);
  out.count = d_.pick(0, 6);
  if (d_.chance(85))
    out.count = std::min(out.count, f.total - f.expanded);
  if (reader_->load_origin(f.task)->spec.fanout.kind >= source_kind::items)
    for (auto n = out.count + (d_.chance(5) ? 1 : 0); n > 0; --n)
      out.items.push_back(R"({"n":)" + std::to_string(n) + "}");
  if (d_.chance(4))
    out.broken = R"({"type":"source_changed"})";
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

/// Siblings from the anchor on; of children perhaps some that do not exist yet.
task_range history::plan_range(const task_record& anchor) {
  auto end = anchor.key + (d_.chance(40) ? 1 : d_.pick(1, 7));
  if (anchor.parent) {
    const auto f = reader_->load_fanout(anchor.parent);
    return {anchor.key,
            std::min(end, f->base + (d_.chance(5) ? f->total : f->expanded))
              - anchor.key};
  }
  auto key = anchor.key;
  while (key < end) {
    const auto next = reader_->load_task(key);
    if (!next || next->run != anchor.run || next->parent)
      break;
    ++key;
  }
  return {anchor.key, key - anchor.key};
}

std::optional<task_move> history::plan_move() {
  const auto anchor = d_.one_of(tasks_);
  task_move m;
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
    (reader_->load_fanout(key) ? parent : leaf) = true;
  const auto possible = targets(m.from, parent, leaf);
  if (possible.empty())
    return std::nullopt;
  m.to = d_.one_of(possible);
  finish(m);
  return m;
}

std::optional<task_move> history::plan_claim() {
  if (fanouts_.empty())
    return std::nullopt;
  const auto f = d_.one_of(fanouts_);
  task_move m;
  m.run = f.run;
  m.parent = f.task;
  m.tasks = {
    f.base + f.claimed,
    std::min(d_.pick(1, 6), (d_.chance(8) ? f.total : f.expanded) - f.claimed)};
  if (m.tasks.count <= 0)
    return std::nullopt;
  m.to = running;
  finish(m);
  return m;
}

std::optional<task_move> history::plan_retry() {
  auto due = reader_->load_retries_due(now_, 5);
  const auto retry = !due.empty();
  if (!retry)
    for (const auto& found : reader_->load_due(now_, {}, 5))
      due.push_back(found.task);
  if (due.empty())
    return std::nullopt;
  const auto task = d_.one_of(due);
  task_move m;
  m.run = task.run;
  m.parent = task.parent;
  m.tasks = {task.key, 1};
  m.from = retry ? retrying : pending;
  m.to = retry ? pending : running;
  m.attempt = task.attempt;
  finish(m);
  return m;
}

/// What goes with a move, once it is known from where to where.
void history::finish(task_move& m) {
  m.at = now_;
  m.until = soon();
  m.retried = m.from == retrying && m.to == pending && d_.chance(80);
  m.lost = m.from == running && m.to != succeeded && d_.chance(20);
  if (m.to == succeeded && d_.chance(60))
    for (auto n = m.tasks.count; n > 0; --n)
      m.outputs.push_back(
        d_.chance(20) ? ""
                      : R"({"sum":)" + std::to_string(d_.pick(1, 99)) + "}");
  if (m.to == failed || m.to == retrying)
    m.error = R"({"type":"boom","n":)" + std::to_string(d_.pick(1, 99)) + "}";
  m.events = plan_events();
}

// -- the rest -----------------------------------------------------------------

run_move history::plan_run_move() {
  const auto run = d_.one_of(runs_);
  run_move m{run.key, run.state, run_state::running, now_, plan_events()};
  if (d_.chance(20))
    m.from = run_state::failed;
  for (int i = 0; i < 50; ++i) {
    m.to = d_.one_of(std::vector{run_state::running, run_state::succeeded,
                                 run_state::failed, run_state::cancelled});
    if (legal_run_move(m.from, m.to))
      return m;
  }
  m.from = run_state::pending; // nothing leaves SUCCEEDED: a stale start
  m.to = run_state::running;
  return m;
}

task_key history::plan_lease() {
  return leases_.empty() || d_.chance(20) ? d_.one_of(tasks_).key
                                          : d_.one_of(leases_).tasks.first;
}

note history::plan_note() {
  note out{0, 0, now_, {event_kind::health_changed, "{}"}};
  if (d_.chance(20))
    return out;
  const auto task = d_.one_of(tasks_);
  out.run = task.run;
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

} // namespace

void random_history(store& s, std::uint64_t seed, int steps) {
  history h{s, seed};
  for (int i = 1; i <= steps; ++i) {
    try {
      h.step();
      if (i % 5 == 0 || i == steps)
        h.check_all();
    } catch (const std::exception& trouble) {
      throw std::logic_error{"seed " + std::to_string(seed) + ", step "
                             + std::to_string(i) + ": " + trouble.what()};
    }
  }
}

} // namespace conductor::test
