#include <conductor/lifecycle.hpp>

#include <algorithm>

#include <conductor/event_payload.hpp>
#include <conductor/json_text.hpp>

namespace conductor {

// -- runs ---------------------------------------------------------------------

bool may_move(const run_record& run, const move_run& m) {
  return run.state == m.from && legal_run_move(m.from, m.to)
         && (!settled(m.to) || run.settled_tasks() == run.tasks);
}

void apply_move(run_record& run, const move_run& m, timestamp at) {
  run.state = m.to;
  run.updated_at = at;
  if (m.from == run_state::pending && m.to == run_state::running)
    run.started_at = at;
  if (settled(m.from)) { // a manual retry
    run.fence = fence::none;
    if (run.deadline_delay.count() > 0)
      run.deadline = at + run.deadline_delay;
  }
  run.finished_at = settled(m.to) ? at : no_time;
}

bool may_update(const run_record& run, const update_run& u) {
  if (settled(run.state))
    return false;
  return (u.paused && *u.paused != run.paused)
         || (u.fence != fence::none && run.fence == fence::none)
         || (u.priority != 0 && u.priority != run.priority)
         || u.deadline.is_set();
}

void apply_update(run_record& run, const update_run& u, timestamp at) {
  run.paused = u.paused.value_or(run.paused);
  if (run.fence == fence::none)
    run.fence = u.fence;
  if (u.priority != 0)
    run.priority = u.priority;
  if (u.deadline.is_set())
    run.deadline = u.deadline.from(at);
  if (u.deadline.is_set())
    run.deadline_delay = u.deadline.delay;
}

move_run start_of_run(run_key run) {
  return {run, run_state::pending, run_state::running, {run_started()}};
}

bool count_top_level(run_record& run, task_state from, task_state to,
                     std::int64_t tasks) {
  const auto add = [&](task_state s, std::int64_t n) {
    if (s == task_state::succeeded)
      run.succeeded += n;
    else if (s == task_state::failed)
      run.failed += n;
    else if (s == task_state::cancelled)
      run.cancelled += n;
  };
  add(from, -tasks);
  add(to, tasks);
  return settled(from) || settled(to);
}

// -- dependencies -------------------------------------------------------------

bool meets(condition wanted, task_state settled) {
  switch (wanted) {
  case condition::succeeded: return settled == task_state::succeeded;
  case condition::failed: return settled == task_state::failed;
  case condition::settled: return true;
  }
  return false;
}

// -- parents ------------------------------------------------------------------

void derive_counts(parent_record& parent) {
  auto& c = parent.children;
  c.pending = parent.expanded - c.running - c.retrying - c.settled();
  c.not_created = settled(parent.state) ? 0 : parent.total - parent.expanded;
}

bool has_children_to_create(const parent_record& parent) {
  return parent.state == task_state::pending && parent.ready
         && parent.fence == fence::none && parent.expansion_error.empty()
         && (parent.expanded < parent.total || parent.total == 0);
}

bool may_expand(const run_record& run, const parent_record& parent,
                const expand_parent& e) {
  const auto works = run.works() && parent.fence == fence::none;
  const auto ends = e.ends || !e.expansion_error.empty();
  return parent.state == task_state::pending && parent.ready
         && parent.expansion_error.empty() && parent.expanded == e.first - 1
         && e.count >= 0 && parent.expanded + e.count <= parent.total
         && (works || (ends && e.count == 0));
}

void apply_expansion(parent_record& parent, const expand_parent& e) {
  parent.expanded += e.count;
  parent.expansion_error = e.expansion_error;
  if (e.ends || !e.expansion_error.empty())
    parent.total = parent.expanded;
  derive_counts(parent);
}

void reopen(parent_record& parent, std::int64_t reserved) {
  parent.fence = fence::none;
  if (parent.expansion_error.empty())
    parent.total = reserved;
  derive_counts(parent);
}

void count_children(parent_record& parent, task_state from, task_state to,
                    std::int64_t tasks) {
  parent.children[from] -= tasks;
  parent.children[to] += tasks;
  derive_counts(parent);
}

// -- tasks --------------------------------------------------------------------

bool may_move_tasks(const run_record& run, const parent_record* parent,
                    const move_tasks& m) {
  using enum task_state;
  const auto by = fence_of(run, parent);
  if (m.fenced)
    return by != fence::none;
  if (m.to == cancelled || settled(m.from))
    return true;
  if (by != fence::none)
    return m.from == pending && m.to != running; // a parent, or what waits
  return !(run.paused && m.from == retrying && m.to == pending);
}

bool guard_holds(const task_segment& s, const move_tasks& m,
                 std::int64_t engine) {
  return s.state == m.from && s.attempt == m.attempt
         && (s.state != task_state::running || m.lost || s.engine == engine
             || m.to == task_state::cancelled);
}

task_segment apply_move(task_segment s, const move_tasks& m, timestamp at,
                        std::int64_t engine, bool leaf) {
  using enum task_state;
  if (s.state == running && m.ran.count() >= 0 && m.ran <= at - s.created_at)
    s.started_at = at - m.ran;
  s.state = m.to;
  s.updated_at = at;
  s.engine = m.to == running ? engine : 0;
  if (m.to == running) {
    ++s.attempt;
    s.started_at = at;
  }
  s.retry_count += m.retried;
  s.lost_count += m.lost;
  s.due.reset();
  if (leaf && (m.to == pending || m.to == retrying))
    s.due = at + m.delay;
  return s;
}

std::optional<task_segment> cut(const task_segment& s, task_range range) {
  const auto first = std::max(s.tasks.first, range.first);
  const auto end = std::min(s.tasks.end(), range.end());
  if (first >= end)
    return std::nullopt;
  auto part = s;
  part.tasks = {first, end - first};
  return part;
}

namespace {

void refuse(segment_split& out, task_range tasks, const move_tasks& m,
            task_state state, std::int32_t attempt) {
  for (auto task = tasks.first; task < tasks.end(); ++task)
    out.refusals.push_back({.task = task,
                            .planned_attempt = m.attempt,
                            .planned = m.to,
                            .state = state,
                            .attempt = attempt});
}

void keep(segment_split& out, const task_segment& s, task_key first,
          task_key end) {
  if (const auto part = cut(s, {first, end - first}))
    out.pieces.push_back(*part);
}

} // namespace

segment_split split_segments(const std::vector<task_segment>& touched,
                             const move_tasks& m, timestamp at,
                             std::int64_t engine, bool leaf) {
  segment_split out;
  const auto legal = legal_task_move(leaf, m.from, m.to);
  auto next = m.tasks.first; // of the range, not yet looked at
  for (const auto& s : touched) {
    const auto part = cut(s, m.tasks);
    if (!part) {
      out.pieces.push_back(s);
      continue;
    }
    if (part->tasks.first > next)
      refuse(out, {next, part->tasks.first - next}, m, task_state{}, 0);
    next = part->tasks.end();
    keep(out, s, s.tasks.first, part->tasks.first);
    if (legal && guard_holds(s, m, engine)) {
      out.pieces.push_back(apply_move(*part, m, at, engine, leaf));
      if (!out.moved.empty() && out.moved.back().end() == part->tasks.first)
        out.moved.back().count += part->tasks.count;
      else
        out.moved.push_back(part->tasks);
    } else {
      out.pieces.push_back(*part);
      refuse(out, part->tasks, m, s.state, s.attempt);
    }
    keep(out, s, part->tasks.end(), s.tasks.end());
  }
  if (next < m.tasks.end())
    refuse(out, {next, m.tasks.end() - next}, m, task_state{}, 0);
  return out;
}

fence fence_of(const run_record& run, const parent_record* parent) {
  return run.fence != fence::none ? run.fence
         : parent                 ? parent->fence
                                  : fence::none;
}

std::optional<std::string_view> late_reason(const refusal& r, fence by) {
  if (r.state == task_state{})
    return std::nullopt; // there is no such task to report it of
  if (r.attempt != r.planned_attempt)
    return "stale_attempt";
  if (r.state == task_state::cancelled
      || (by != fence::none && r.state == task_state::running))
    return "cancelled";
  if (r.state == r.planned)
    return std::nullopt;
  return settled(r.state) ? "already_settled" : "lease_expired";
}

std::optional<task_state> state_after(event_kind kind, bool retries) {
  using enum task_state;
  switch (kind) {
  case event_kind::task_created:
  case event_kind::task_retried: return pending;
  case event_kind::task_started: return running;
  case event_kind::task_succeeded: return succeeded;
  case event_kind::task_failed: return retries ? retrying : failed;
  case event_kind::task_lease_expired: return retrying;
  case event_kind::task_retries_exhausted: return failed;
  case event_kind::task_cancelled: return cancelled;
  default: return std::nullopt;
  }
}

// -- children -----------------------------------------------------------------

std::string child_name(std::string_view parent, std::int64_t index) {
  return std::string{parent} + "#" + std::to_string(index);
}

std::string derived_item(const fanout_source& source, std::int64_t index) {
  if (source.kind == source_kind::range)
    return std::to_string(source.from + (index - 1) * source.step);
  return std::to_string(index);
}

std::string shared_input(std::string_view parent_input) {
  auto input = json::parse(parent_input, nullptr, false);
  if (!input.is_object())
    return "{}";
  input.erase("fanout");
  return dump(input);
}

std::string child_input(std::string_view shared, std::int64_t index,
                        std::string_view item) {
  auto input = json::parse(shared, nullptr, false);
  if (!input.is_object())
    input = json::object();
  input["index"] = index;
  input["item"] = json::parse(item, nullptr, false);
  return dump(input);
}

} // namespace conductor
