#include <deque>
#include <set>

#include <unistd.h>

#include "actors/rules/fanout_rules.hpp"
#include <conductor/roles.hpp>
#include <conductor/submission.hpp>

#include "actors/roles/pass.hpp"

namespace conductor {

namespace {

struct parent_state {
  fanout_record record;
  task_spec spec;
};

struct fanout_state : role_state {
  std::deque<task_key> queue; ///< parents with children to create, in turn
  std::map<task_key, parent_state> parents; ///< of `queue`

  const char* name = "fanout";
};

using self_ptr = role_actor::stateful_pointer<fanout_state>;

bool has_work(const fanout_record& f) {
  return f.state == task_state::pending && f.broken.empty()
         && (f.expanded < f.total || f.total == 0);
}

void enqueue(fanout_state& s, task_key parent) {
  if (s.parents.count(parent) != 0)
    return;
  auto record = s.reader->load_fanout(parent);
  if (!record || !has_work(*record))
    return;
  auto origin = s.reader->load_origin(parent);
  s.parents.emplace(parent,
                    parent_state{std::move(*record), std::move(origin->spec)});
  s.queue.push_back(parent);
  ++s.report.found;
}

/// The next page of a parent: its items where they are not derived. None if
/// they cannot be read just now.
std::optional<change_set> plan_next(const parent_state& parent,
                                    std::int64_t page, timestamp now) {
  const auto& f = parent.record;
  const auto count = rules::next_page(f, page);
  if (!f.source.path.empty()) {
    auto read = read_source(f.source, f.offset, count);
    if (!read && read.error().code == errc::overloaded)
      return std::nullopt;
    if (!read)
      return rules::plan_broken_source(f, read.error().message, now);
    return rules::plan_page(f, parent.spec, count, std::move(read->items),
                            read->offset, now);
  }
  auto items = rules::listed_items(parent.spec.fanout, f.expanded, count);
  return rules::plan_page(f, parent.spec, count, std::move(items), 0, now);
}

/// The expansion of a parent has ended, or is not ours to go on with.
void leave(fanout_state& s, task_key key) {
  const auto& source = s.parents.at(key).record.source;
  if (source.spooled)
    ::unlink(source.path.c_str());
  s.parents.erase(key);
}

void advance(fanout_state& s, task_key key, const expansion& page,
             const commit_reply& reply) {
  auto& record = s.parents.at(key).record;
  if (!reply.refusals.empty()) {
    // Somebody else moved the parent (fail fast ends expansions): look again.
    auto now = s.reader->load_fanout(key);
    if (!now || !has_work(*now))
      return leave(s, key);
    record = std::move(*now);
    s.queue.push_back(key);
    return;
  }
  record.expanded += page.count;
  record.offset = page.offset;
  record.broken = page.broken;
  s.report.changed += page.count;
  if (record.total > 0 && has_work(record))
    s.queue.push_back(key);
  else
    leave(s, key);
}

void pump(self_ptr self) {
  auto& s = self->state;
  if (s.busy || s.stopping)
    return;
  while (!s.queue.empty()) {
    const auto key = s.queue.front();
    s.queue.pop_front();
    auto plan = plan_next(s.parents.at(key), s.context.opts.fanout_page,
                          s.context.clock());
    if (!plan) {
      s.parents.erase(key); // the next sweep finds it again
      continue;
    }
    auto page = plan->expansions.front();
    page.items.clear();
    submit_changes(self, std::move(*plan), [=](const commit_reply& reply) {
      advance(self->state, key, page, reply);
      pump(self);
    });
    return;
  }
  finish_pass(s);
}

void sweep(fanout_state& s) {
  for (task_key after = 0;;) {
    const auto page = s.reader->load_open_fanouts(after, 1000);
    for (const auto& f : page)
      if (has_work(f))
        enqueue(s, f.task);
    if (page.size() < 1000)
      return;
    after = page.back().task;
  }
}

void hear(self_ptr self, const committed& fact) {
  auto& s = self->state;
  if (!s.context.opts.automatic)
    return;
  for (const auto& f : fact.parents)
    if (f.expanded == 0 && has_work(f))
      enqueue(s, f.task);
  pump(self);
}

role_actor::behavior_type fanout(self_ptr self, role_context context) {
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

role_actor spawn_fanout(caf::actor_system& sys, role_context context) {
  return sys.spawn(fanout, std::move(context));
}

} // namespace conductor
