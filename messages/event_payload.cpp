#include <conductor/event_payload.hpp>

#include <conductor/json_text.hpp>

namespace conductor {

namespace {

event_entry entry(event_kind kind, const json& payload) {
  return {kind, dump(payload)};
}

/// `{"attempt":n` without the closing brace: the kinds of which there are as
/// many as tasks are written by hand.
std::string open_attempt(std::int32_t attempt) {
  return "{\"attempt\":" + std::to_string(attempt);
}

std::string took_member(std::optional<milliseconds> took) {
  return took ? ",\"took_ms\":" + std::to_string(took->count()) : std::string{};
}

template <class Counts>
void add_counts(json& payload, const Counts& c) {
  payload["succeeded"] = c.succeeded;
  payload["failed"] = c.failed;
  payload["cancelled"] = c.cancelled;
}

} // namespace

event_entry run_created(const std::string& name, std::int64_t tasks) {
  return entry(event_kind::run_created, {{"name", name}, {"tasks", tasks}});
}

event_entry run_started() {
  return {event_kind::run_started, "{}"};
}

event_entry run_aggregated(run_state state, const run_record& counts) {
  json payload{{"state", to_string(state)}};
  add_counts(payload, counts);
  if (counts.skipped > 0)
    payload["skipped"] = counts.skipped;
  if (state == run_state::failed)
    payload["reason"] = counts.fence == fence::deadline
                          ? reason::deadline_passed
                          : reason::tasks_failed;
  return entry(event_kind::run_aggregated, payload);
}

event_entry run_cancelled(std::string_view by) {
  return entry(event_kind::run_cancelled, {{"by", by}});
}

event_entry run_paused() {
  return {event_kind::run_paused, "{}"};
}

event_entry run_unpaused() {
  return {event_kind::run_unpaused, "{}"};
}

event_entry run_updated(std::int32_t priority, timestamp deadline) {
  json payload = json::object();
  if (priority != 0)
    payload["priority"] = priority;
  if (deadline != no_time)
    payload["deadline"] = to_iso(deadline);
  return entry(event_kind::run_updated, payload);
}

event_entry run_reopened(run_state from, std::int64_t leaves,
                         std::int64_t dependents) {
  json payload{{"from", to_string(from)}, {"tasks", leaves}};
  if (dependents > 0)
    payload["dependents"] = dependents;
  return entry(event_kind::run_reopened, payload);
}

event_entry task_created(const std::string& name, std::int64_t children) {
  json payload{{"name", name}};
  if (children >= 0)
    payload["children"] = children;
  return entry(event_kind::task_created, payload);
}

event_entry child_created() {
  return {event_kind::task_created, "{}"};
}

event_entry task_started(std::int32_t attempt) {
  return {event_kind::task_started, open_attempt(attempt) + "}"};
}

event_entry task_succeeded(std::int32_t attempt,
                           std::optional<milliseconds> took) {
  return {event_kind::task_succeeded,
          open_attempt(attempt) + took_member(took) + "}"};
}

event_entry task_failed(std::int32_t attempt, std::string_view error,
                        bool retries, std::optional<milliseconds> took) {
  return {event_kind::task_failed,
          open_attempt(attempt) + ",\"error\":" + std::string{error}
            + took_member(took) + "}",
          retries};
}

event_entry task_retried(std::int32_t retry_count) {
  return {event_kind::task_retried,
          "{\"retry_count\":" + std::to_string(retry_count) + "}"};
}

event_entry task_retried_by_hand(std::int32_t retry_count) {
  return entry(event_kind::task_retried,
               {{"retry_count", retry_count}, {"by", reason::by_hand}});
}

event_entry task_retried_after_loss(std::int32_t retry_count,
                                    std::int32_t lost_count) {
  return entry(event_kind::task_retried,
               {{"retry_count", retry_count}, {"lost_count", lost_count}});
}

event_entry task_retries_exhausted(std::int32_t retry_count,
                                   std::int32_t max_retries,
                                   std::string_view because) {
  json payload{{"retry_count", retry_count}, {"because", because}};
  if (max_retries >= 0)
    payload["max_retries"] = max_retries;
  return entry(event_kind::task_retries_exhausted, payload);
}

event_entry task_cancelled(std::string_view reason) {
  return entry(event_kind::task_cancelled, {{"reason", reason}});
}

event_entry task_skipped(std::string_view task, task_state state) {
  return entry(
    event_kind::task_cancelled,
    {{"reason", reason::unmet}, {"task", task}, {"state", to_string(state)}});
}

event_entry task_updated(const std::optional<count_or_percent>& tolerate,
                         std::optional<std::int64_t> max_concurrency,
                         std::int32_t priority) {
  json payload = json::object();
  if (tolerate && tolerate->percent > 0)
    payload["tolerate"] = dump(tolerate->percent) + "%";
  else if (tolerate)
    payload["tolerate"] = tolerate->count;
  if (max_concurrency)
    payload["max_concurrency"] = *max_concurrency;
  if (priority != 0)
    payload["priority"] = priority;
  return entry(event_kind::task_updated, payload);
}

event_entry task_aggregated(task_state state, const parent_record& parent,
                            std::string_view reason) {
  json payload{{"state", to_string(state)}, {"total", parent.total}};
  add_counts(payload, parent.children);
  if (!reason.empty())
    payload["reason"] = reason;
  return entry(event_kind::task_aggregated, payload);
}

event_entry task_stuck(std::int32_t attempt, milliseconds running) {
  return entry(event_kind::task_stuck,
               {{"attempt", attempt}, {"running_ms", running.count()}});
}

event_entry task_lease_expired(std::int32_t attempt, std::int32_t lost_count,
                               std::string_view because) {
  json payload{{"attempt", attempt}, {"lost_count", lost_count}};
  if (!because.empty())
    payload["because"] = because;
  return entry(event_kind::task_lease_expired, payload);
}

event_entry task_late_result(std::int32_t attempt, std::string_view reason) {
  return entry(event_kind::task_late_result,
               {{"attempt", attempt}, {"reason", reason}});
}

event_entry fanout_started() {
  return {event_kind::fanout_started, "{}"};
}

event_entry fanout_detected(std::int64_t children) {
  return entry(event_kind::fanout_detected, {{"children", children}});
}

event_entry fanout_ended(event_kind how, std::int64_t created) {
  return entry(how, {{"created", created}});
}

event_entry aggregate_started() {
  return {event_kind::aggregate_started, "{}"};
}

event_entry aggregate_finished(std::int64_t parents, std::int64_t runs) {
  return entry(event_kind::aggregate_finished,
               {{"parents", parents}, {"runs", runs}});
}

event_entry retry_started() {
  return {event_kind::retry_started, "{}"};
}

event_entry retry_finished(std::int64_t tasks) {
  return entry(event_kind::retry_finished, {{"retried", tasks}});
}

event_entry health_changed(std::string_view from, std::string_view to,
                           const std::vector<std::string>& reasons) {
  return entry(event_kind::health_changed,
               {{"from", from}, {"to", to}, {"reasons", reasons}});
}

std::string payload_text(const event_entry& entry, timestamp retry_at) {
  if (!entry.retries)
    return entry.payload;
  auto text = entry.payload;
  text.pop_back(); // the closing brace
  return text + ",\"retry_at\":\"" + to_iso(retry_at) + "\"}";
}

// -- reading ------------------------------------------------------------------

namespace {

std::string text_of(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : std::string{};
}

std::optional<std::int64_t> number_of(const json& object, const char* member) {
  const auto found = object.find(member);
  if (found == object.end() || !found->is_number_integer()
      || (found->is_number_unsigned()
          && found->get<std::uint64_t>() > INT64_MAX))
    return std::nullopt;
  return found->get<std::int64_t>();
}

/// Stored texts may be damaged; what is not an object becomes null.
json object_in(std::string_view text) {
  auto parsed = parse_json(text);
  return parsed && parsed->is_object() ? std::move(*parsed) : json{};
}

} // namespace

std::optional<event_details> parse_event(std::string_view payload) {
  const auto object = object_in(payload);
  if (object.is_null())
    return std::nullopt;
  event_details d;
  d.name = text_of(object, "name");
  d.because = text_of(object, "because");
  if (d.because.empty())
    d.because = text_of(object, "reason");
  d.by = text_of(object, "by");
  d.state = text_of(object, "state");
  d.from = text_of(object, "from");
  d.to = text_of(object, "to");
  if (const auto error = object.find("error");
      error != object.end() && error->is_object()) {
    d.error = dump(*error);
    d.error_type = text_of(*error, "type");
    d.error_message = text_of(*error, "message");
  }
  d.retry_at = parse_iso(text_of(object, "retry_at"));
  d.attempt = number_of(object, "attempt");
  d.retry_count = number_of(object, "retry_count");
  d.lost_count = number_of(object, "lost_count");
  d.children = number_of(object, "children");
  d.tasks = number_of(object, "tasks");
  d.took_ms = number_of(object, "took_ms");
  d.running_ms = number_of(object, "running_ms");
  d.created = number_of(object, "created");
  d.succeeded = number_of(object, "succeeded");
  d.failed = number_of(object, "failed");
  d.cancelled = number_of(object, "cancelled");
  d.total = number_of(object, "total");
  return d;
}

std::optional<error_details> parse_error(std::string_view error) {
  const auto object = object_in(error);
  if (object.is_null())
    return std::nullopt;
  return error_details{text_of(object, "type"), text_of(object, "message"),
                       number_of(object, "attempt").value_or(0)};
}

std::string type_of_error(std::string_view error) {
  const auto details = parse_error(error);
  return details ? details->type : std::string{};
}

} // namespace conductor
