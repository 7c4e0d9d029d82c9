#include <set>

#include "actors/rules/aggregate_rules.hpp"
#include <conductor/json_text.hpp>
#include "actors/rules/lease_rules.hpp"
#include <conductor/roles.hpp>

#include "actors/roles/pass.hpp"

namespace conductor {

namespace {

constexpr std::size_t keys_a_change_set = 500;
constexpr std::size_t page_bytes = 256 * 1024; ///< of outputs read at once

struct aggregate_state : role_state {
  std::set<task_key> parents; ///< that may be done
  std::set<run_key> runs;
  std::set<task_key> failing; ///< parents with failures, still at work
  std::set<task_key> patient; ///< open parents that wait whatever fails
  /// Of parents that fail fast: the last child that was told to stop.
  std::map<task_key, task_key> told_to_stop;

  const char* name = "aggregate";
};

using self_ptr = role_actor::stateful_pointer<aggregate_state>;

/// The JSON array of the children's outputs, in index order; the sum of their
/// sizes is bounded, what does not fit is null and said so. They are read in
/// pages that grow while the outputs are small.
rules::collected_outputs collect_outputs(aggregate_state& s,
                                         const fanout_record& parent) {
  rules::collected_outputs result{"["};
  auto& array = result.array;
  auto room = s.context.opts.max_collected_bytes;
  std::int64_t page = 16;
  for (std::int64_t done = 0; done < parent.expanded;) {
    const auto count = std::min(page, parent.expanded - done);
    std::size_t read = 0;
    for (auto& text : s.reader->load_outputs({parent.base + done, count})) {
      const auto fits = !text.empty() && text.size() <= room;
      read += text.size();
      result.omitted += text.size() > room ? 1 : 0;
      if (array.size() > 1)
        array += ',';
      array += fits ? text : "null";
      room -= fits ? text.size() : 0;
    }
    done += count;
    page = read < page_bytes ? std::min<std::int64_t>(page * 2, 1000)
                             : std::max<std::int64_t>(page / 2, 16);
  }
  array += ']';
  return result;
}

void note_parent(aggregate_state& s, const fanout_record& parent) {
  if (parent.state != task_state::pending)
    s.patient.erase(parent.task);
  else if (rules::parent_is_done(parent))
    s.parents.insert(parent.task);
  else if (parent.children.failed > 0 && s.patient.count(parent.task) == 0)
    s.failing.insert(parent.task);
}

/// Fail fast: no more children are created, those that are there and unsettled
/// are cancelled, a page at a time.
void add_fail_fast(aggregate_state& s, change_set& plan, task_key key,
                   timestamp now) {
  const auto parent = s.reader->load_fanout(key);
  const auto origin = s.reader->load_origin(key);
  if (origin && origin->spec.on_failure == on_failure::wait)
    s.patient.insert(key);
  if (!parent || !origin || !rules::should_fail_fast(*parent, origin->spec)) {
    s.told_to_stop.erase(key);
    return;
  }
  if (parent->expanded < parent->total)
    plan.expansions.push_back(rules::plan_no_more_children(*parent, now));
  using enum task_state;
  // Page by page, and once more from the start: a refused one has moved
  // meanwhile.
  auto& last = s.told_to_stop[key];
  const task_filter unsettled{.run = parent->run,
                              .parent = key,
                              .states = {pending, running, retrying},
                              .texts = false};
  const auto rest = s.reader->list_tasks(unsettled, last, keys_a_change_set);
  if (rest.size() < keys_a_change_set)
    s.told_to_stop.erase(key);
  else
    last = rest.back().key;
  for (const auto& t : rest)
    plan.moves.push_back(rules::plan_cancel(
      {t.key, t.run, t.parent, t.attempt, t.retry_count, t.lost_count}, t.state,
      "fail_fast", now));
}

void add_parent(aggregate_state& s, change_set& plan, task_key key,
                timestamp now) {
  const auto parent = s.reader->load_fanout(key);
  if (!parent)
    return;
  const auto origin = s.reader->load_origin(key);
  if (!origin)
    return;
  if (rules::parent_is_done(*parent)) {
    const auto outputs = origin->spec.collect == collect::outputs
                           ? collect_outputs(s, *parent)
                           : rules::collected_outputs{};
    plan.moves.push_back(
      rules::plan_parent(*parent, origin->spec, outputs, now));
  }
}

/// Runs that are done, or will be when the parents planned so far have moved:
/// one commit then ends both. The store refuses a run's end if a parent of it
/// was refused.
void add_runs(aggregate_state& s, change_set& plan, timestamp now) {
  std::map<run_key, std::vector<task_state>> done;
  for (std::size_t n = 0; !s.runs.empty() && n < keys_a_change_set; ++n)
    done[s.runs.extract(s.runs.begin()).value()];
  for (const auto& m : plan.moves)
    if (m.parent == 0)
      done[m.run].insert(done[m.run].end(),
                         static_cast<std::size_t>(m.tasks.count), m.to);
  for (const auto& [key, parents] : done) {
    auto run = s.reader->load_run(key);
    for (const auto to : parents)
      if (run)
        run = rules::after_task(*run, to);
    if (!run || !rules::run_is_done(*run))
      continue;
    if (run->state == run_state::pending)
      plan.run_starts.push_back(rules::plan_run_start(key, now));
    plan.run_moves.push_back(rules::plan_run(*run, now));
  }
}

/// A pass tells each run it touched that it began and what it did.
void add_pass_notes(change_set& plan, timestamp now) {
  // parents, runs
  std::map<run_key, std::pair<std::int64_t, std::int64_t>> counts;
  for (const auto& m : plan.moves)
    counts[m.run].first += m.parent == 0 ? m.tasks.count : 0;
  for (const auto& m : plan.run_moves)
    ++counts[m.run].second;
  for (const auto& [run, count] : counts) {
    plan.leading.push_back(
      {run, 0, now, {event_kind::aggregate_started, "{}"}});
    plan.notes.push_back(
      {run,
       0,
       now,
       {event_kind::aggregate_finished,
        dump({{"parents", count.first}, {"runs", count.second}})}});
  }
}

change_set plan_pass(aggregate_state& s) {
  const auto now = s.context.clock();
  change_set plan;
  for (std::size_t n = 0; !s.parents.empty() && n < keys_a_change_set; ++n)
    add_parent(s, plan, s.parents.extract(s.parents.begin()).value(), now);
  while (!s.failing.empty() && plan.moves.size() < keys_a_change_set)
    add_fail_fast(s, plan, s.failing.extract(s.failing.begin()).value(), now);
  rules::merge_ranges(plan.moves);
  add_runs(s, plan, now);
  add_pass_notes(plan, now);
  return plan;
}

void pump(self_ptr self) {
  auto& s = self->state;
  while (!s.busy && !s.stopping) {
    if (s.parents.empty() && s.runs.empty() && s.failing.empty()) {
      finish_pass(s);
      return;
    }
    auto plan = plan_pass(s);
    if (plan.empty())
      continue;
    auto moved = std::ssize(plan.run_moves);
    for (const auto& m : plan.moves)
      moved += m.tasks.count;
    submit_changes(self, std::move(plan), [=](const commit_reply& reply) {
      self->state.report.changed += moved - std::ssize(reply.refusals);
      pump(self);
    });
  }
}

void sweep(aggregate_state& s) {
  task_key after = 0;
  for (;;) {
    const auto page = s.reader->load_open_fanouts(after, 1000);
    for (const auto& f : page)
      note_parent(s, f);
    if (page.size() < 1000)
      break;
    after = page.back().task;
  }
  for (run_key last = 0;;) {
    const auto page = s.reader->load_open_runs(last, 1000);
    for (const auto& r : page)
      if (rules::run_is_done(r))
        s.runs.insert(r.key);
    if (page.size() < 1000)
      break;
    last = page.back().key;
  }
  s.report.found += std::ssize(s.parents) + std::ssize(s.runs);
}

void hear(self_ptr self, const committed& fact) {
  auto& s = self->state;
  if (!s.context.opts.automatic)
    return;
  for (const auto& parent : fact.parents)
    note_parent(s, parent);
  for (const auto& run : fact.progress)
    if (rules::run_is_done(run))
      s.runs.insert(run.key);
  pump(self);
}

role_actor::behavior_type aggregate(self_ptr self, role_context context) {
  tell_of_trouble(self);
  self->state.context = std::move(context);
  self->state.reader = self->state.context.open_reader();
  if (self->state.context.opts.automatic)
    self->send(self, tick{++self->state.timer});
  return {
    [=](const committed& fact) { hear(self, fact); },
    [=](const storage_state&) {},
    [=](tick t) {
      if (t.generation != self->state.timer)
        return;
      sweep(self->state);
      pump(self);
      arm(self, self->state.context.opts.sweep_interval);
    },
    [=](pass_request) -> caf::result<pass_report> {
      auto promise = self->make_response_promise<pass_report>();
      self->state.waiting.push_back(promise);
      sweep(self->state);
      pump(self);
      return promise;
    },
    [=](stop_request) {
      self->state.stopping = true;
      finish_pass(self->state);
      self->quit();
      return stopped{};
    },
  };
}

} // namespace

role_actor spawn_aggregate(caf::actor_system& sys, role_context context) {
  return sys.spawn(aggregate, std::move(context));
}

} // namespace conductor
