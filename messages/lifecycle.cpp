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
  run.finished_at = settled(m.to) ? at : no_time;
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

// -- parents ------------------------------------------------------------------

void derive_counts(parent_record& parent) {
  auto& c = parent.children;
  c.pending = parent.expanded - c.running - c.retrying - c.settled();
  c.not_created = parent.total - parent.expanded;
}

bool may_expand(const parent_record& parent, const expand_parent& e) {
  return parent.state == task_state::pending && parent.expansion_error.empty()
         && parent.expanded == e.first - 1 && e.count >= 0
         && parent.expanded + e.count <= parent.total;
}

void apply_expansion(parent_record& parent, const expand_parent& e) {
  parent.expanded += e.count;
  if (!e.expansion_error.empty()) {
    parent.expansion_error = e.expansion_error;
    parent.total = parent.expanded;
  }
  derive_counts(parent);
}

void count_children(parent_record& parent, task_state from, task_state to,
                    std::int64_t tasks) {
  parent.children[from] -= tasks;
  parent.children[to] += tasks;
  derive_counts(parent);
}

// -- tasks --------------------------------------------------------------------

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

std::optional<std::string_view> late_reason(const refusal& r) {
  if (r.state == task_state{})
    return std::nullopt; // there is no such task to report it of
  if (r.attempt != r.planned_attempt)
    return "stale_attempt";
  if (r.state == task_state::cancelled)
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
