#include <conductor/records_json.hpp>

#include <algorithm>

#include <conductor/stored_json.hpp>

namespace conductor {

namespace {

ordered_json text_or_null(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json time_or_null(timestamp t) {
  return t == no_time ? ordered_json(nullptr) : ordered_json(to_iso(t));
}

/// The value of a stored text; of a damaged one the text itself.
ordered_json parsed_or_null(const std::string& text) {
  if (text.empty())
    return nullptr;
  auto value = parse_stored<ordered_json>(text);
  return value.is_discarded() ? ordered_json(text) : value;
}

/// Tasks that run, and since when.
ordered_json running_json(const std::vector<task_record>& tasks,
                          timestamp now) {
  auto out = ordered_json::array();
  for (const auto& t : tasks)
    out.push_back({{"name", t.name},
                   {"id", t.id},
                   {"handler", t.handler},
                   {"attempt", t.attempt},
                   {"started_at", to_iso(t.started_at)},
                   {"running_ms", (now - t.started_at).count()}});
  return out;
}

template <class T>
ordered_json array_of(const std::vector<T>& values) {
  auto out = ordered_json::array();
  for (const auto& value : values)
    out.push_back(to_json(value));
  return out;
}

ordered_json parents_json(const run_summary& s) {
  auto out = ordered_json::array();
  for (std::size_t i = 0; i < s.parents.size(); ++i)
    out.push_back({{"id", s.parents[i].id},
                   {"name", s.parents[i].name},
                   {"state", to_string(s.parents[i].state)},
                   {"children", to_json(s.fanouts[i].children)}});
  return out;
}

ordered_json slowest_json(const run_summary& s) {
  auto out = ordered_json::array();
  for (const auto& t : s.slowest)
    out.push_back({{"name", t.name},
                   {"id", t.id},
                   {"duration_ms", (t.updated_at - t.started_at).count()}});
  return out;
}

} // namespace

ordered_json to_json(const state_counts& c) {
  return {{"total", c.total()},     {"not_created", c.not_created},
          {"pending", c.pending},   {"running", c.running},
          {"retrying", c.retrying}, {"succeeded", c.succeeded},
          {"failed", c.failed},     {"cancelled", c.cancelled}};
}

std::string state_text(const run_record& run) {
  std::string text = to_string(run.state);
  if (settled(run.state))
    return text;
  if (run.fence == fence::cancel)
    return text + " (cancelling)";
  if (run.fence == fence::deadline)
    return text + " (deadline passed)";
  return run.paused ? text + " (paused)" : text;
}

ordered_json to_json(const run_record& run) {
  return {{"id", run.id},
          {"name", run.name},
          {"state", to_string(run.state)},
          {"created_at", to_iso(run.created_at)},
          {"updated_at", to_iso(run.updated_at)},
          {"started_at", time_or_null(run.started_at)},
          {"finished_at", time_or_null(run.finished_at)},
          {"tasks", run.tasks},
          {"retries", run.retries},
          {"skipped", run.skipped},
          {"priority", run.priority},
          {"paused", run.paused},
          {"deadline", time_or_null(run.deadline)},
          {"meta", parsed_or_null(run.meta)},
          {"idempotency_key", text_or_null(run.idempotency_key)}};
}

ordered_json to_json(const task_record& t) {
  return {{"id", t.id},
          {"run_id", t.run_id},
          {"parent_task_id", text_or_null(t.parent_task_id)},
          {"name", t.name},
          {"index", t.index ? ordered_json(t.index) : ordered_json(nullptr)},
          {"handler", t.handler},
          {"state", to_string(t.state)},
          {"settled", settled(t.state)},
          {"attempt", t.attempt},
          {"retry_count", t.retry_count},
          {"max_retries", t.max_retries},
          {"lost_count", t.lost_count},
          {"created_at", to_iso(t.created_at)},
          {"started_at", time_or_null(t.started_at)},
          {"updated_at", to_iso(t.updated_at)},
          {"not_before",
           time_or_null(t.not_before != no_time ? t.not_before : t.due_at)},
          {"waits_for", t.waits_for},
          {"skipped", t.skipped},
          {"input", parsed_or_null(t.input)},
          {"output", parsed_or_null(t.output)},
          {"last_error", parsed_or_null(t.last_error)}};
}

std::optional<milliseconds> duration_of(const task_record& t, timestamp now) {
  if (t.started_at == no_time || t.attempt == 0)
    return std::nullopt;
  const auto end = t.state == task_state::running ? now : t.updated_at;
  return std::max(milliseconds{0}, end - t.started_at);
}

ordered_json duration_or_null(const task_record& t, timestamp now) {
  const auto took = duration_of(t, now);
  return took ? ordered_json(took->count()) : ordered_json(nullptr);
}

ordered_json to_json(const event_record& e) {
  return {{"seq", e.seq},
          {"id", e.id},
          {"at", to_iso(e.at)},
          {"run_id", text_or_null(e.run_id)},
          {"task_id", text_or_null(e.task_id)},
          {"task", text_or_null(e.task_name)},
          {"name", e.name},
          {"payload", parsed_or_null(e.payload)}};
}

ordered_json to_json(const failure_group& f) {
  return {{"type", f.type},
          {"message", f.message},
          {"count", f.count},
          {"first_at", to_iso(f.first)},
          {"last_at", to_iso(f.last)},
          {"example", f.example},
          {"task", f.task}};
}

ordered_json to_json(const retry_metrics& m) {
  return {{"retried", m.retried},
          {"retried_settled", m.retried_settled},
          {"retried_succeeded", m.retried_succeeded},
          {"success_rate", m.success_rate()},
          {"exhausted", m.exhausted},
          {"average_attempts", m.settled > 0
                                 ? ordered_json(m.average_attempts())
                                 : ordered_json(nullptr)}};
}

ordered_json to_json(const handler_count& h) {
  return {{"handler", h.handler}, {"counts", to_json(h.tasks)}};
}

ordered_json to_json(const run_summary& s) {
  auto out = to_json(s.run);
  out["duration_ms"] = s.duration.count();
  out["counts"] = to_json(s.tasks);
  out["handlers"] = array_of(s.handlers);
  out["parents"] = parents_json(s);
  out["parents_total"] = s.parents_total;
  out["failures"] = array_of(s.failures);
  out["retrying"] = array_of(s.to_retry);
  out["running"] = running_json(s.running, s.at);
  out["stuck"] = running_json(s.stuck, s.at);
  out["retry"] = to_json(s.retries);
  out["last_settled_at"] = time_or_null(s.last_settled);
  out["slowest"] = slowest_json(s);
  out["passes"] = ordered_json::object();
  for (const auto& p : s.passes)
    out["passes"][p.actor] = p.passes;
  return out;
}

ordered_json to_json(const health_report& r) {
  ordered_json reasons = ordered_json::array(), stuck = reasons,
               storms = reasons;
  for (const auto& reason : r.reasons)
    reasons.push_back({{"level", to_string(reason.level)},
                       {"what", reason.what},
                       {"advice", reason.advice}});
  for (const auto& t : r.stuck)
    stuck.push_back({{"id", t.id},
                     {"name", t.name},
                     {"handler", t.handler},
                     {"attempt", t.attempt},
                     {"running_ms", (r.at - t.started_at).count()}});
  for (const auto& s : r.storms)
    storms.push_back({{"type", s.type},
                      {"message", s.message},
                      {"tasks", s.tasks},
                      {"at_least", s.at_least},
                      {"task", s.task},
                      {"retry_count", s.most_retries},
                      {"run_id", s.run_id}});
  return {{"status", to_string(r.status)},
          {"at", to_iso(r.at)},
          {"reasons", std::move(reasons)},
          {"counts", to_json(r.tasks)},
          {"runs_open", r.runs_open},
          {"stuck", std::move(stuck)},
          {"retry_storms", std::move(storms)},
          {"failure_rate", r.failure_rate},
          {"attempts_in_window", r.attempts_in_window},
          {"oldest_due_ms", r.oldest_due.count()},
          {"commit_p99_ms", r.commit_p99_seconds * 1000},
          {"subscriber_lag", r.subscriber_lag},
          {"engine_pid",
           r.engine_pid ? ordered_json(r.engine_pid) : ordered_json(nullptr)},
          {"database_bytes", r.database_bytes},
          {"wal_bytes", r.wal_bytes},
          {"disk_free_bytes", r.disk_free_bytes}};
}

} // namespace conductor
