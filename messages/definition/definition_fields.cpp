#include "messages/definition/definition_reader.hpp"

namespace conductor::detail {

namespace {

json defined(const char* name) {
  return {{"$ref", std::string{"#/$defs/"} + name}};
}
json label_schema() {
  return defined("label");
}
json name_schema() {
  return defined("name");
}
json duration_schema() {
  return defined("duration");
}
json moment_schema() {
  return defined("moment");
}
json share_schema() {
  return defined("share");
}
json retry_schema() {
  return defined("retry");
}
json input_schema() {
  return defined("input");
}
json object_schema() {
  return {{"type", "object"}};
}
json retries_schema() {
  return {{"type", "integer"}, {"minimum", 0}, {"maximum", most_retries}};
}
json priority_schema() {
  return {{"type", "integer"},
          {"minimum", first_priority},
          {"maximum", last_priority}};
}
json after_schema() {
  return {{"anyOf",
           {defined("name"), {{"type", "array"}, {"items", defined("name")}}}}};
}
json positive_schema() {
  return {{"type", "integer"}, {"minimum", 1}};
}

template <auto& names>
json choice_schema() {
  json words = json::array();
  for (const auto& c : names)
    words.push_back(std::string{c.name});
  return {{"enum", words}};
}

template <class T, class U>
void assign(const std::optional<T>& value, U& target) {
  if (value)
    target = static_cast<U>(*value);
}

void read_max_retries(const place& at, task_spec& task) {
  assign(read_integer(at, 0, most_retries), task.retry.max_retries);
}
void read_retry(const place& at, task_spec& task) {
  read_fields(at, retry_fields(), task.retry);
}
void read_timeout(const place& at, task_spec& task) {
  assign(read_duration(at), task.timeout);
}

template <class T>
void read_priority(const place& at, T& target) {
  const auto n = read_integer(at, first_priority, last_priority);
  assign(n, target.priority);
}

/// Leaves the list empty if one of its elements is refused.
void read_after(const place& at, task_spec& task) {
  if (!at.value.is_string() && !at.value.is_array())
    return at.refuse("must be a name or a list of names, not "
                     + shown(at.value));
  std::vector<std::string> names;
  auto good = true;
  const auto read_name = [&](const place& name) {
    auto text = read_text(name);
    good = good && text.has_value();
    if (text)
      names.push_back(std::move(*text));
  };
  if (at.value.is_string())
    read_name(at);
  else
    for (std::size_t i = 0; i < at.value.size(); ++i)
      read_name(at.element(i));
  if (good)
    task.after = std::move(names);
}

void read_handler(const place& at, task_spec& task) {
  assign(read_label(at), task.handler);
}

void read_input(const place& at, task_spec& task) {
  if (!require_object(at))
    return;
  task.input = dump(at.value);
  if (at.value.contains("fanout"))
    read_fanout(at.member("fanout"), task.directory, task.fanout);
}

void read_error_types(const place& at, retry_policy& retry) {
  if (!require_list(at))
    return;
  retry.non_retryable.clear();
  if (at.value.size() > most_error_types)
    return at.refuse("lists more than " + std::to_string(most_error_types)
                     + " error types");
  for (std::size_t i = 0; i < at.value.size(); ++i)
    if (auto type = read_label(at.element(i)))
      retry.non_retryable.push_back(std::move(*type));
}

void read_version(const place& at, run_draft&) {
  if (at.value != 1)
    at.refuse(
      shown(at.value)
      + " is no version of run definitions that is known here; write 1");
}

/// The fields that say when a task may begin.
fields<task_spec> order_fields() {
  return {
    {"after", read_after, after_schema,
     "tasks that must have settled before it begins: a name, or a list of them",
     R"(["fetch", "unpack"])"},
    {"when",
     [](const place& at, task_spec& task) {
       read_choice(at, condition_names, task.when);
     },
     choice_schema<condition_names>,
     "the state in which each task in \"after\" must have settled; otherwise "
     "this one is skipped",
     R"("settled")"},
    {"not_before",
     [](const place& at, task_spec& task) {
       assign(read_moment(at), task.not_before);
     },
     moment_schema,
     "it does not begin earlier: a duration from the submission, or a time",
     R"("10m")"},
    {"priority", read_priority<task_spec>, priority_schema,
     "1 is served first, 5 last; the run's if it is left out", "1"},
  };
}

/// The fields of a task but for its name.
fields<task_spec> common_task_fields() {
  fields<task_spec> table{
    {"handler", read_handler, label_schema, "what executes the task",
     R"("exec")"},
    {"input", read_input, input_schema, "what the handler gets",
     R"({"argv": ["sha256sum", "{item}"], "fanout": {"lines": "files.txt"}})"},
    {"max_concurrency",
     [](const place& at, task_spec& task) {
       assign(read_integer(at, 1), task.max_concurrency);
     },
     positive_schema, "how many children work at once", "8"},
    {"max_retries", read_max_retries, retries_schema, "retries of one task",
     "3"},
    {"retry", read_retry, retry_schema, "when a failed attempt is repeated",
     R"({"backoff": "fixed", "delay": "5s"})"},
    {"timeout", read_timeout, duration_schema, "of one attempt; 0 = none",
     R"("5m")"},
    {"heartbeat_timeout", nullptr, nullptr, later},
    {"tolerate",
     [](const place& at, task_spec& task) {
       assign(read_share(at), task.tolerate);
     },
     share_schema, "how many children may fail", R"("5%")"},
    {"on_failure",
     [](const place& at, task_spec& task) {
       read_choice(at, on_failure_names, task.on_failure);
     },
     choice_schema<on_failure_names>, "whether siblings of a failure go on",
     R"("fail_fast")"},
    {"collect",
     [](const place& at, task_spec& task) {
       read_choice(at, collect_names, task.collect, true);
     },
     choice_schema<collect_names>, "what a parent's output holds",
     R"("outputs")"},
    {"deadline", nullptr, nullptr, "belongs to the run, not to a task"},
    {"compensate", nullptr, nullptr, later},
    {"each", nullptr, nullptr, later},
    {"reduce", nullptr, nullptr, later},
    {"fanout", nullptr, nullptr, "belongs inside \"input\""},
  };
  const auto order = order_fields();
  table.insert(table.end(), order.begin(), order.end());
  return table;
}

} // namespace

const fields<run_draft>& run_fields() {
  static const fields<run_draft> table{
    {"version", read_version,
     [] {
       return json{{"const", 1}};
     },
     "of this format", "1"},
    {"name",
     [](const place& at, run_draft& draft) {
       assign(read_text(at), draft.spec.name);
     },
     name_schema, "of the run", R"("nightly")"},
    {"meta",
     [](const place& at, run_draft& draft) {
       if (require_object(at))
         draft.spec.meta = dump(at.value);
     },
     object_schema, "whatever belongs to the run", R"({"owner": "ops"})"},
    {"idempotency_key",
     [](const place& at, run_draft& draft) {
       assign(read_text(at), draft.spec.idempotency_key);
     },
     label_schema, "the same key again gives the same run",
     R"("nightly-2026-11-23")"},
    {"defaults",
     [](const place& at, run_draft& draft) {
       read_fields(at, defaults_fields(), draft.defaults);
     },
     [] { return defined("defaults"); }, "what tasks start from",
     R"({"handler": "exec", "max_retries": 5})"},
    {"retry_budget",
     [](const place& at, run_draft& draft) {
       assign(read_share(at), draft.spec.retry_budget);
     },
     share_schema, "retries in the whole run; without it, no bound",
     R"("20%")"},
    {"tasks",
     [](const place& at, run_draft& draft) { draft.tasks = &at.value; },
     [] { return defined("tasks"); }, "by name, or as a list with names",
     R"({"a": {"handler": "noop"}})"},
    {"deadline",
     [](const place& at, run_draft& draft) {
       assign(read_moment(at), draft.spec.deadline);
     },
     moment_schema,
     "what has not settled by then fails or is cancelled: a duration from the "
     "submission, or a time; 0 = none",
     R"("2h")"},
    {"priority",
     [](const place& at, run_draft& draft) { read_priority(at, draft.spec); },
     priority_schema, "1 is served first, 5 last", "3"},
  };
  return table;
}

const fields<task_spec>& defaults_fields() {
  static const fields<task_spec> table{
    {"handler", read_handler, label_schema, "of tasks that name none",
     R"("exec")"},
    {"max_retries", read_max_retries, retries_schema, "retries of one task",
     "3"},
    {"retry", read_retry, retry_schema, "when a failed attempt is repeated",
     R"({"backoff": "fixed", "delay": "5s"})"},
    {"timeout", read_timeout, duration_schema, "of one attempt; 0 = none",
     R"("5m")"},
    {"heartbeat_timeout", nullptr, nullptr, later},
  };
  return table;
}

const fields<task_spec>& task_fields(bool named) {
  static const auto with_name = [] {
    auto table = common_task_fields();
    table.push_back({"name",
                     [](const place& at, task_spec& task) {
                       assign(read_text(at), task.name);
                     },
                     name_schema, "unique among the tasks of the run",
                     R"("fetch")"});
    return table;
  }();
  static const auto without = [] {
    auto table = common_task_fields();
    table.push_back({"name", nullptr, nullptr, "is the task's key already"});
    return table;
  }();
  return named ? with_name : without;
}

const fields<retry_policy>& retry_fields() {
  using policy = retry_policy;
  static const fields<policy> table{
    {"backoff",
     [](const place& at, policy& retry) {
       read_choice(at, backoff_names, retry.backoff);
     },
     choice_schema<backoff_names>, "how delays grow", R"("exponential")"},
    {"delay",
     [](const place& at, policy& retry) {
       assign(read_duration(at), retry.delay);
     },
     duration_schema, "before the first retry; 0 = at once", R"("1s")"},
    {"factor",
     [](const place& at, policy& retry) {
       assign(read_number(at, 1, largest_factor), retry.factor);
     },
     [] {
       return json{
         {"type", "number"}, {"minimum", 1}, {"maximum", largest_factor}};
     },
     "from delay to delay, if exponential", "2"},
    {"max_delay",
     [](const place& at, policy& retry) {
       assign(read_duration(at), retry.max_delay);
     },
     duration_schema, "no delay is longer", R"("1m")"},
    {"jitter",
     [](const place& at, policy& retry) {
       read_choice(at, jitter_names, retry.jitter);
     },
     choice_schema<jitter_names>, "how much of a delay is left to chance",
     R"("full")"},
    {"non_retryable", read_error_types, [] { return defined("error_types"); },
     "error types that end a task at once", R"(["spawn"])"},
    {"max_retries", nullptr, nullptr, "belongs beside \"retry\", not in it"},
  };
  return table;
}

} // namespace conductor::detail
