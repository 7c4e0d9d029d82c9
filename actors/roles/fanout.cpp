#include <deque>

#include <conductor/lifecycle.hpp>

#include "actors/roles/role.hpp"
#include "actors/rules/fanout_rules.hpp"

namespace conductor {

namespace {

struct parent_state {
  parent_record record;
  task_spec spec;
};

struct fanout_role : role_state {
  std::deque<task_key> queue; ///< parents with children to create, in turn
  std::map<task_key, parent_state> parents; ///< of `queue`

  void on_fact(const committed& fact);
  void sweep();

  const char* name = "fanout";
};

using self_ptr = role_pointer<fanout_role>;

/// Whether children of a run may be created: not while it is paused.
bool works(fanout_role& s, run_key key) {
  const auto run = s.reader->load_run(key);
  return run && run->works();
}

void enqueue(fanout_role& s, task_key parent) {
  if (s.parents.count(parent) != 0)
    return;
  auto record = s.reader->load_parent(parent);
  if (!record || !has_children_to_create(*record) || !works(s, record->run))
    return;
  auto origin = s.reader->load_template(parent);
  if (!origin)
    return;
  s.parents.emplace(parent,
                    parent_state{std::move(*record), std::move(origin->spec)});
  s.queue.push_back(parent);
  ++s.report.found;
}

/// Whether a page was refused: its parts may be preceded by the start of a run,
/// which is refused whenever the run has started.
bool page_refused(const change_set& plan, const commit_reply& reply) {
  return std::any_of(
    reply.refusals.begin(), reply.refusals.end(), [&](const refusal& r) {
      return std::holds_alternative<expand_parent>(plan.parts.at(r.part));
    });
}

void advance(fanout_role& s, task_key key, std::int64_t created, bool refused) {
  auto& record = s.parents.at(key).record;
  if (refused) {
    // Another actor moved the parent (fail fast and fences end expansions), or
    // its run is paused: load it again.
    auto now = s.reader->load_parent(key);
    if (!now || !has_children_to_create(*now) || !works(s, now->run)) {
      s.parents.erase(key);
      return;
    }
    record = std::move(*now);
  } else {
    record.expanded += created;
    if (record.expanded == record.total) {
      s.parents.erase(key);
      return;
    }
  }
  s.queue.push_back(key);
}

void pump(self_ptr self) {
  auto& s = self->state;
  if (s.busy || s.stopping)
    return;
  if (!s.queue.empty()) {
    const auto key = s.queue.front();
    s.queue.pop_front();
    const auto& [record, spec] = s.parents.at(key);
    const auto count = rules::next_page(record, s.context.opts.fanout_page);
    auto plan = rules::plan_page(record, spec, count);
    submit_changes(self, plan, [=](const commit_reply& reply) {
      self->state.report.changed += reply.tasks_changed;
      advance(self->state, key, count, page_refused(plan, reply));
      pump(self);
    });
    return;
  }
  finish_pass(s);
}

void fanout_role::sweep() {
  for (task_key after = 0;;) {
    const auto page = reader->load_open_parents(after, 1000);
    for (const auto& f : page)
      if (has_children_to_create(f))
        enqueue(*this, f.task);
    if (page.size() < 1000)
      return;
    after = page.back().task;
  }
}

void fanout_role::on_fact(const committed& fact) {
  for (const auto& f : fact.parents)
    if (f.expanded == 0 && has_children_to_create(f))
      enqueue(*this, f.task);
  for (const auto run : fact.updated) // it may continue after a pause
    for (const auto& f : reader->parents({.run = run, .open = true}))
      enqueue(*this, f.task);
}

} // namespace

role_actor spawn_fanout(caf::actor_system& sys, placement where,
                        role_context context) {
  return spawn_at(sys, where, make_role<fanout_role>, std::move(context));
}

} // namespace conductor
