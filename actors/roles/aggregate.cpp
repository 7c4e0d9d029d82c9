#include <set>

#include <conductor/event_payload.hpp>
#include <conductor/lifecycle.hpp>

#include "actors/roles/role.hpp"
#include "actors/rules/aggregate_rules.hpp"
#include "actors/rules/lease_rules.hpp"

namespace conductor {

namespace {

constexpr std::size_t max_keys_per_change_set = 500;
constexpr std::size_t page_bytes = 256 * 1024; ///< of outputs read at once

struct aggregate_role : role_state {
  std::set<task_key> parents; ///< that may be done
  std::set<run_key> runs;
  std::set<task_key> failing; ///< parents with failures, still at work
  std::set<task_key> patient; ///< open parents that wait whatever fails
  /// Of parents that fail fast: the last child that was cancelled so far.
  std::map<task_key, task_key> cancelled_up_to;

  void on_fact(const committed& fact);
  void sweep();

  const char* name = "aggregate";
};

using self_ptr = role_pointer<aggregate_role>;

/// The JSON array of the children's outputs, in index order. The sum of their
/// sizes is bounded; an output that does not fit becomes null and is counted.
/// They are read in pages that grow while the outputs are small.
rules::collected_outputs collect_outputs(aggregate_role& s,
                                         const parent_record& parent) {
  rules::collected_outputs result{"["};
  auto& array = result.array;
  auto room = s.context.opts.max_collected_bytes;
  std::int64_t page = 16;
  for (std::int64_t done = 0; done < parent.expanded;) {
    const auto count = std::min(page, parent.expanded - done);
    std::size_t read = 0;
    for (auto& text :
         s.reader->texts(text_kind::output, {parent.base + done, count})) {
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

void note_parent(aggregate_role& s, const parent_record& parent) {
  if (parent.state != task_state::pending)
    s.patient.erase(parent.task);
  else if (rules::parent_is_done(parent))
    s.parents.insert(parent.task);
  else if (parent.children.failed > 0 && s.patient.count(parent.task) == 0)
    s.failing.insert(parent.task);
}

/// The moves that a pass makes, in the order of its change set.
struct pass_plan {
  std::vector<expand_parent> expansions;
  std::vector<move_tasks> moves;
  std::vector<move_run> run_moves;
};

/// Fail fast: no more children are created, those that exist and have not
/// settled are cancelled in whole groups, a page of groups at a time.
void add_fail_fast(aggregate_role& s, pass_plan& plan, task_key key) {
  const auto parent = s.reader->load_parent(key);
  const auto origin = s.reader->load_template(key);
  if (origin && origin->spec.on_failure == on_failure::wait)
    s.patient.insert(key);
  if (!parent || !origin || !rules::should_fail_fast(*parent, origin->spec)) {
    s.cancelled_up_to.erase(key);
    return;
  }
  if (parent->expanded < parent->total)
    plan.expansions.push_back(rules::plan_no_more_children(*parent));
  // A task that moves meanwhile is refused; the parent's next commit starts
  // again with the first child.
  auto& last = s.cancelled_up_to[key];
  const auto groups = s.reader->groups({.of = group_query::kind::unsettled,
                                        .parent = key,
                                        .after = last,
                                        .limit = max_keys_per_change_set});
  for (const auto& group : groups)
    plan.moves.push_back(rules::plan_cancel(group, reason::fail_fast));
  if (groups.size() < max_keys_per_change_set) {
    s.cancelled_up_to.erase(key);
  } else {
    last = groups.back().tasks.end() - 1;
    s.failing.insert(key);
  }
}

void add_parent(aggregate_role& s, pass_plan& plan, task_key key) {
  const auto parent = s.reader->load_parent(key);
  const auto origin = s.reader->load_template(key);
  if (!parent || !origin || !rules::parent_is_done(*parent))
    return;
  const auto run = s.reader->load_run(parent->run);
  const auto outputs = origin->spec.collect == collect::outputs
                         ? collect_outputs(s, *parent)
                         : rules::collected_outputs{};
  plan.moves.push_back(rules::plan_parent(*parent, origin->spec, outputs,
                                          run ? run->fence : fence::none));
}

/// Runs that are done, or will be when the parents planned so far have moved:
/// one commit then ends both. The store refuses a run's end if a parent of it
/// was refused.
void add_runs(aggregate_role& s, pass_plan& plan) {
  std::map<run_key, std::vector<const move_tasks*>> done;
  for (std::size_t n = 0; !s.runs.empty() && n < max_keys_per_change_set; ++n)
    done[s.runs.extract(s.runs.begin()).value()];
  for (const auto& m : plan.moves)
    if (m.parent == 0)
      done[m.run].push_back(&m);
  for (const auto& [key, parents] : done) {
    auto run = s.reader->load_run(key);
    if (!run)
      continue;
    for (const auto* m : parents)
      count_top_level(*run, m->from, m->to, m->tasks.count);
    if (!rules::run_is_done(*run))
      continue;
    auto end = rules::plan_run(*run);
    if (run->state == run_state::pending && end.from == run_state::running)
      plan.run_moves.push_back(start_of_run(key));
    plan.run_moves.push_back(std::move(end));
  }
}

change_set plan_pass(aggregate_role& s) {
  pass_plan plan;
  for (std::size_t n = 0; !s.parents.empty() && n < max_keys_per_change_set;
       ++n)
    add_parent(s, plan, s.parents.extract(s.parents.begin()).value());
  while (!s.failing.empty() && plan.moves.size() < max_keys_per_change_set)
    add_fail_fast(s, plan, s.failing.extract(s.failing.begin()).value());
  rules::merge_ranges(plan.moves);
  add_runs(s, plan);
  change_set changes;
  const auto add_all = [&](auto& parts) {
    for (auto& part : parts)
      changes.add(std::move(part));
  };
  if (plan.expansions.empty() && plan.moves.empty() && plan.run_moves.empty())
    return changes;
  changes.add(pass_events{pass_events::kind::aggregate});
  add_all(plan.expansions);
  add_all(plan.moves);
  add_all(plan.run_moves);
  return changes;
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
    submit_changes(self, std::move(plan), [=](const commit_reply& reply) {
      self->state.report.changed += reply.tasks_changed + reply.runs_changed;
      pump(self);
    });
  }
}

void aggregate_role::sweep() {
  for (task_key after = 0;;) {
    const auto page = reader->load_open_parents(after, 1000);
    for (const auto& f : page)
      note_parent(*this, f);
    if (page.size() < 1000)
      break;
    after = page.back().task;
  }
  for (run_key last = 0;;) {
    const auto page = reader->load_open_runs(last, 1000);
    for (const auto& r : page)
      if (rules::run_is_done(r))
        runs.insert(r.key);
    if (page.size() < 1000)
      break;
    last = page.back().key;
  }
  report.found += std::ssize(parents) + std::ssize(runs);
}

void aggregate_role::on_fact(const committed& fact) {
  for (const auto& parent : fact.parents)
    note_parent(*this, parent);
  for (const auto& run : fact.progress)
    if (rules::run_is_done(run))
      runs.insert(run.key);
}

} // namespace

role_actor spawn_aggregate(caf::actor_system& sys, placement where,
                           role_context context) {
  return spawn_at(sys, where, make_role<aggregate_role>, std::move(context));
}

} // namespace conductor
