#include "messages/definition/definition_checks.hpp"

#include <cmath>
#include <limits>
#include <unordered_map>

#include "messages/definition/definition_names.hpp"

namespace conductor {

namespace detail {

namespace {

/// 9999-12-31T23:59:59.999Z: later years have more digits than ISO 8601 has.
constexpr auto last_time = from_ms(253'402'300'799'999);

bool has_control_character(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7F)
      return true;
    // U+0080 to U+009F.
    if (c == 0xC2 && i + 1 < text.size()
        && static_cast<unsigned char>(text[i + 1]) < 0xA0)
      return true;
  }
  return false;
}

std::string name_trouble(std::string_view name, std::size_t limit) {
  if (auto trouble = label_trouble(name, limit); !trouble.empty())
    return trouble;
  if (const auto at = name.find_first_of("#/"); at != std::string_view::npos)
    return shown(std::string{name}) + " is no name: it must not contain '"
           + std::string{name[at]} + "'";
  return {};
}

std::string too_long(std::string_view text, std::size_t limit) {
  return "is " + std::to_string(text.size())
         + " bytes of JSON; the limit `max_input` is " + std::to_string(limit);
}

/// The first text or key below `path` that contains NUL, if any. SQLite's
/// functions would cut such a text there.
std::optional<definition_error> find_nul(const json& value,
                                         const std::string& path) {
  const auto has_nul
    = [](const std::string& text) { return text.find('\0') != text.npos; };
  if (value.is_string() && has_nul(value.get_ref<const std::string&>()))
    return definition_error{path, "must not contain NUL (U+0000)"};
  if (!value.is_structured())
    return std::nullopt;
  for (const auto& [key, element] : value.items()) {
    if (has_nul(key))
      return definition_error{path, "has a key that contains NUL (U+0000)"};
    if (auto found = find_nul(element, pointer(path, key)))
      return found;
  }
  return std::nullopt;
}

/// Collects errors below one place.
struct checker {
  const std::string& path;
  const definition_context& context;
  error_list& errors;

  void require(bool good, const char* where, std::string message) const {
    if (!good)
      errors.add(path + where, std::move(message));
  }
  void accept(const char* where, std::string trouble) const {
    if (!trouble.empty())
      errors.add(path + where, std::move(trouble));
  }
  /// `text` is the JSON that `value` was parsed from.
  void no_nul(const std::string& text, const json& value,
              const std::string& where) const {
    if (text.find("\\u0000") == text.npos)
      return;
    if (auto found = find_nul(value, where))
      errors.add(std::move(found->path), std::move(found->message));
  }
  void duration(milliseconds d, const char* where) const {
    require(d.count() >= 0 && d <= longest_duration, where,
            "must be between 0 and 100 years");
  }
  void time(const moment& m, const char* where) const {
    duration(m.delay, where);
    require(m.delay.count() == 0 || m.at == no_time, where,
            "must be a duration or a time, not both");
    require(m.at >= no_time && m.at <= last_time, where,
            "must be a time between 1970 and 9999");
  }
  void priority(std::int32_t p, const char* where) const {
    accept(where, priority_trouble(p));
  }
  void part(const count_or_percent& s, const char* where) const {
    require(std::isfinite(s.percent) && s.percent >= 0 && s.percent <= 100,
            where, "must be between 0% and 100%");
  }
};

void check_retry(const retry_policy& retry, const checker& check) {
  check.require(retry.max_retries >= 0 && retry.max_retries <= most_retries,
                "/max_retries",
                "must be between 0 and " + std::to_string(most_retries));
  check.require(!name_of(backoff_names, retry.backoff).empty(),
                "/retry/backoff", "is no known backoff");
  check.require(!name_of(jitter_names, retry.jitter).empty(), "/retry/jitter",
                "is no known jitter");
  check.duration(retry.delay, "/retry/delay");
  check.duration(retry.max_delay, "/retry/max_delay");
  check.require(retry.factor >= 1 && retry.factor <= largest_factor,
                "/retry/factor", "must be between 1 and 1000");
  check.require(
    retry.non_retryable.size() <= most_error_types, "/retry/non_retryable",
    "lists more than " + std::to_string(most_error_types) + " error types");
  for (const auto& type : retry.non_retryable)
    check.accept("/retry/non_retryable",
                 label_trouble(type, check.context.max_name));
}

void check_items(const std::vector<std::string>& items, const checker& check) {
  const auto limit = check.context.max_input;
  for (std::size_t i = 0; i < items.size() && !check.errors.full(); ++i) {
    const auto path = [&] { return pointer(check.path + "/input/fanout", i); };
    if (items[i].size() > limit)
      check.errors.add(path(), too_long(items[i], limit));
    else if (auto item = parse_json(items[i]); !item)
      check.errors.add(path(), "is not JSON: " + item.error().message);
    else
      check.no_nul(items[i], *item, path());
  }
}

void check_source(const fanout_source& source, const checker& check) {
  const auto* at = "/input/fanout";
  auto width = source.count;
  check.require(!name_of(source_names, source.kind).empty(), at,
                "is no known kind of fan-out");
  check.require(width >= 0, at, "must not be negative");
  if (source.kind == source_kind::range) {
    const auto count = range_count(source.from, source.to, source.step);
    check.require(source.step != 0, at, "the step must not be 0");
    width = count.value_or(std::numeric_limits<std::int64_t>::max());
  }
  if (source.kind == source_kind::items) {
    width = static_cast<std::int64_t>(source.items.size());
    check_items(source.items, check);
  }
  check.require(source.list >= 0
                  && (source.kind != source_kind::list || source.count == 0
                      || source.list > 0),
                at, "must name a list");
  if (source.kind == source_kind::lines || source.kind == source_kind::glob)
    check.require(!source.path.empty()
                    && source.path.find('\0') == std::string::npos,
                  at, "must name a file");
  check.require(width <= check.context.max_width, at,
                "makes " + std::to_string(width)
                  + " children; the limit `max_width` is "
                  + std::to_string(check.context.max_width));
}

/// Other tasks' outputs are not to be had yet.
void check_stdin(const json& input, const checker& check) {
  const auto found = input.find("stdin");
  if (found != input.end() && found->is_object() && found->contains("from"))
    check.errors.add(check.path + "/input/stdin/from",
                     "\"from\" is not supported yet");
}

void check_input(const task_spec& task, const checker& check) {
  const auto limit = check.context.max_input;
  if (task.input.size() > limit)
    return check.errors.add(
      check.path + "/input",
      too_long(task.input, limit)
        + (task.is_parent() ? " (a long list can be a file: {lines: PATH})"
                            : ""));
  auto input = parse_json(task.input);
  if (!input)
    return check.errors.add(check.path + "/input",
                            "is not JSON: " + input.error().message);
  if (!input->is_object())
    return check.errors.add(check.path + "/input", "must be an object");
  check.no_nul(task.input, *input, check.path + "/input");
  if (task.handler == "exec")
    check_stdin(*input, check);
  if (check.context.check_handler && !task.handler.empty())
    for (auto& e : check.context.check_handler(task.handler, *input))
      check.errors.add(check.path + e.path, std::move(e.message));
}

} // namespace

std::string label_trouble(std::string_view text, std::size_t limit) {
  if (text.empty())
    return "must not be empty";
  if (text.size() > limit)
    return "is " + std::to_string(text.size())
           + " bytes long; the limit `max_name` is " + std::to_string(limit);
  if (!valid_utf8(text))
    return "is not valid UTF-8";
  if (has_control_character(text))
    return "must not contain control characters";
  return {};
}

std::optional<std::int64_t> range_count(std::int64_t from, std::int64_t to,
                                        std::int64_t step) {
  if (step == 0)
    return std::nullopt;
  if (step > 0 ? from > to : from < to)
    return 0;
  // Unsigned: the distance may be more than a signed number holds.
  const auto magnitude = [](std::int64_t a, std::int64_t b) {
    return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
  };
  const auto span = step > 0 ? magnitude(to, from) : magnitude(from, to);
  const auto stride = step > 0 ? magnitude(step, 0) : magnitude(0, step);
  const auto steps = span / stride;
  // Every step from `from` must be a number that the database can add.
  if (span >= std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return std::nullopt;
  return static_cast<std::int64_t>(steps) + 1;
}

std::string priority_trouble(std::int64_t priority) {
  if (priority >= first_priority && priority <= last_priority)
    return {};
  return "must be between " + std::to_string(first_priority) + " and "
         + std::to_string(last_priority) + ", not " + std::to_string(priority);
}

void check_run(const run_spec& spec, const definition_context& context,
               error_list& errors) {
  const std::string root;
  const checker check{root, context, errors};
  check.accept("/name", name_trouble(spec.name, context.max_name));
  if (!spec.idempotency_key.empty())
    check.accept("/idempotency_key",
                 label_trouble(spec.idempotency_key, context.max_name));
  check.part(spec.retry_budget, "/retry_budget");
  check.time(spec.deadline, "/deadline");
  check.priority(spec.priority, "/priority");
  if (spec.meta.size() > context.max_input)
    return errors.add("/meta", too_long(spec.meta, context.max_input));
  const auto meta = parse_json(spec.meta);
  check.require(meta && meta->is_object(), "/meta", "must be an object");
  if (meta)
    check.no_nul(spec.meta, *meta, "/meta");
}

void check_task(const task_spec& task, const std::string& path,
                const std::string& name_path, const definition_context& context,
                error_list& errors) {
  const checker check{path, context, errors};
  if (auto trouble = name_trouble(task.name, context.max_name);
      !trouble.empty())
    errors.add(name_path, std::move(trouble));
  check.accept("/handler", label_trouble(task.handler, context.max_name));
  check_input(task, check);
  check_source(task.fanout, check);
  check_retry(task.retry, check);
  check.duration(task.timeout, "/timeout");
  check.time(task.not_before, "/not_before");
  if (task.priority != 0)
    check.priority(task.priority, "/priority");
  check.require(task.when == condition::succeeded || !task.after.empty(),
                "/when", when_alone);
  check.require(!name_of(condition_names, task.when).empty(), "/when",
                "is no known choice");
  check.require(task.max_concurrency >= 0, "/max_concurrency",
                "must not be negative");
  check.require(task.tolerate.count >= 0, "/tolerate", "must not be negative");
  check.part(task.tolerate, "/tolerate");
  check.require(!name_of(on_failure_names, task.on_failure).empty(),
                "/on_failure", "is no known choice");
  check.require(!name_of(collect_names, task.collect).empty(), "/collect",
                "is no known choice");
}

void check_task_count(std::size_t count, const definition_context& context,
                      error_list& errors) {
  if (count == 0)
    errors.add("/tasks", "must have at least one task");
  if (count > context.max_tasks)
    errors.add("/tasks", "has " + std::to_string(count)
                           + " tasks; the limit `max_tasks` is "
                           + std::to_string(context.max_tasks));
}

void check_duplicates(const std::vector<task_spec>& tasks, error_list& errors) {
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto [first, fresh] = seen.emplace(tasks[i].name, i);
    if (!fresh && !tasks[i].name.empty())
      errors.add(pointer("/tasks", i) + "/name",
                 shown(tasks[i].name) + " is also the name of "
                   + pointer("/tasks", first->second));
  }
}

} // namespace detail

std::vector<definition_error> check_spec(const run_spec& spec,
                                         const definition_context& context) {
  using namespace detail;
  error_list errors;
  if (!spec.misuse.empty())
    errors.add("/tasks", spec.misuse);
  check_run(spec, context, errors);
  check_task_count(spec.tasks.size(), context, errors);
  if (spec.tasks.size() <= context.max_tasks) {
    for (std::size_t i = 0; i < spec.tasks.size() && !errors.full(); ++i) {
      const auto path = pointer("/tasks", i);
      check_task(spec.tasks[i], path, path + "/name", context, errors);
    }
    check_duplicates(spec.tasks, errors);
    check_dependencies(
      spec.tasks, [](std::size_t i) { return pointer("/tasks", i); }, errors);
  }
  return errors.take();
}

} // namespace conductor
