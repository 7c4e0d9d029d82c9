#include <limits>

#include <conductor/definition.hpp>

#include "messages/definition/definition_names.hpp"

namespace conductor {

namespace {

using namespace detail;

constexpr std::string_view hex_digits = "0123456789abcdef";

/// File names may be any bytes; JSON text may not.
json stored(const std::string& text) {
  if (valid_utf8(text))
    return text;
  std::string hex;
  for (const auto c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hex += hex_digits[byte >> 4];
    hex += hex_digits[byte & 15];
  }
  return {{"hex", hex}};
}

std::string restored(const json& value) {
  if (!value.is_object())
    return value.get<std::string>();
  const auto& hex = value.at("hex").get_ref<const std::string&>();
  std::string text;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    text += static_cast<char>(hex_digits.find(hex[i]) << 4
                              | hex_digits.find(hex[i + 1]));
  return text;
}

json stored(const std::vector<std::string>& texts) {
  auto list = json::array();
  for (const auto& text : texts)
    list.push_back(stored(text));
  return list;
}

std::vector<std::string> restored_list(const json& list) {
  std::vector<std::string> texts;
  texts.reserve(list.size());
  for (const auto& text : list)
    texts.push_back(restored(text));
  return texts;
}

json stored(const fanout_source& source) {
  return {{"kind", name_of(source_names, source.kind)},
          {"count", source.count},
          {"from", source.from},
          {"to", source.to},
          {"step", source.step},
          {"path", stored(source.path)}};
}

json stored(const retry_policy& retry) {
  return {{"max_retries", retry.max_retries},
          {"backoff", name_of(backoff_names, retry.backoff)},
          {"delay_ms", retry.delay.count()},
          {"factor", retry.factor},
          {"max_delay_ms", retry.max_delay.count()},
          {"jitter", name_of(jitter_names, retry.jitter)},
          {"non_retryable", stored(retry.non_retryable)}};
}

template <class Names>
auto word(const Names& names, const json& value) {
  const auto found = value_of(names, value.get_ref<const std::string&>());
  if (!found)
    throw json::other_error::create(501, "unknown word " + dump(value), &value);
  return *found;
}

milliseconds duration(const json& value) {
  return milliseconds{value.get<milliseconds::rep>()};
}

fanout_source restored_source(const json& value) {
  fanout_source source;
  source.kind = word(source_names, value.at("kind"));
  value.at("count").get_to(source.count);
  value.at("from").get_to(source.from);
  value.at("to").get_to(source.to);
  value.at("step").get_to(source.step);
  source.path = restored(value.at("path"));
  return source;
}

retry_policy restored_retry(const json& value) {
  retry_policy retry;
  value.at("max_retries").get_to(retry.max_retries);
  retry.backoff = word(backoff_names, value.at("backoff"));
  retry.delay = duration(value.at("delay_ms"));
  value.at("factor").get_to(retry.factor);
  retry.max_delay = duration(value.at("max_delay_ms"));
  retry.jitter = word(jitter_names, value.at("jitter"));
  retry.non_retryable = restored_list(value.at("non_retryable"));
  return retry;
}

task_spec restored_task(const json& value) {
  task_spec task;
  task.name = restored(value.at("name"));
  task.handler = restored(value.at("handler"));
  task.directory = restored(value.at("directory"));
  task.input = restored(value.at("input"));
  task.fanout = restored_source(value.at("fanout"));
  task.retry = restored_retry(value.at("retry"));
  task.timeout = duration(value.at("timeout_ms"));
  value.at("max_concurrency").get_to(task.max_concurrency);
  value.at("tolerate").at("count").get_to(task.tolerate.count);
  value.at("tolerate").at("percent").get_to(task.tolerate.percent);
  task.on_failure = word(on_failure_names, value.at("on_failure"));
  task.collect = word(collect_names, value.at("collect"));
  return task;
}

} // namespace

std::string to_stored_text(const task_spec& spec) {
  return dump(
    {{"name", stored(spec.name)},
     {"handler", stored(spec.handler)},
     {"directory", stored(spec.directory)},
     {"input", stored(spec.input)},
     {"fanout", stored(spec.fanout)},
     {"retry", stored(spec.retry)},
     {"timeout_ms", spec.timeout.count()},
     {"max_concurrency", spec.max_concurrency},
     {"tolerate",
      {{"count", spec.tolerate.count}, {"percent", spec.tolerate.percent}}},
     {"on_failure", name_of(on_failure_names, spec.on_failure)},
     {"collect", name_of(collect_names, spec.collect)}});
}

result<task_spec> from_stored_text(std::string_view text) {
  constexpr auto unlimited = std::numeric_limits<std::size_t>::max();
  auto value = parse_json(text, {.bytes = unlimited, .values = unlimited});
  if (!value)
    return fail(errc::corrupt, "stored task: " + value.error().message);
  try {
    return restored_task(*value);
  } catch (const json::exception& e) {
    return fail(errc::corrupt, std::string{"stored task: "} + e.what());
  }
}

} // namespace conductor
