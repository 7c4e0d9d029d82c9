#include <array>
#include <limits>

#include <conductor/definition.hpp>

#include "messages/definition/definition_names.hpp"

namespace conductor {

namespace {

using namespace detail;

// -- writing ------------------------------------------------------------------

constexpr std::string_view hex_digits = "0123456789abcdef";

/// File names may be any bytes; JSON text may not.
std::string stored(const std::string& text) {
  if (valid_utf8(text))
    return conductor::quoted(text);
  std::string hex;
  for (const auto c : text) {
    const auto byte = static_cast<unsigned char>(c);
    hex += hex_digits[byte >> 4];
    hex += hex_digits[byte & 15];
  }
  return R"({"hex":")" + hex + "\"}";
}

std::string stored(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts)
    list += (list.empty() ? "" : ",") + stored(text);
  return '[' + list + ']';
}

/// Writes the members of a JSON object that differ from their defaults. The
/// text is built by hand: a large run has as many of them as it has tasks.
class members {
public:
  void add(std::string_view key, std::string_view value) {
    text_ += text_.empty() ? "\"" : ",\"";
    text_ += key;
    text_ += "\":";
    text_ += value;
  }
  void text(std::string_view key, const std::string& value,
            std::string_view standard = {}) {
    if (value != standard)
      add(key, stored(value));
  }
  void number(std::string_view key, std::int64_t value,
              std::int64_t standard = 0) {
    if (value != standard)
      add(key, std::to_string(value));
  }
  void duration(std::string_view key, milliseconds value,
                milliseconds standard = milliseconds{0}) {
    number(key, value.count(), standard.count());
  }
  void real(std::string_view key, double value, double standard) {
    if (value != standard)
      add(key, dump(value));
  }
  template <class Names, class E>
  void word(std::string_view key, const Names& names, E value, E standard) {
    if (value != standard)
      add(key, conductor::quoted(name_of(names, value)));
  }
  void object(std::string_view key, const members& value) {
    if (!value.text_.empty())
      add(key, value.whole());
  }
  std::string whole() const { return '{' + text_ + '}'; }

private:
  std::string text_;
};

members members_of(const fanout_source& source) {
  static const fanout_source standard;
  members m;
  m.word("kind", source_names, source.kind, standard.kind);
  m.number("count", source.count);
  m.number("from", source.from);
  m.number("to", source.to);
  m.number("step", source.step, standard.step);
  m.text("path", source.path);
  return m;
}

members members_of(const retry_policy& retry) {
  static const retry_policy standard;
  members m;
  m.number("max_retries", retry.max_retries, standard.max_retries);
  m.word("backoff", backoff_names, retry.backoff, standard.backoff);
  m.duration("delay_ms", retry.delay, standard.delay);
  m.real("factor", retry.factor, standard.factor);
  m.duration("max_delay_ms", retry.max_delay, standard.max_delay);
  m.word("jitter", jitter_names, retry.jitter, standard.jitter);
  if (!retry.non_retryable.empty())
    m.add("non_retryable", stored(retry.non_retryable));
  return m;
}

members members_of(const count_or_percent& share) {
  members m;
  m.number("count", share.count);
  m.real("percent", share.percent, 0);
  return m;
}

members members_of(const moment& time) {
  members m;
  m.duration("delay_ms", time.delay);
  m.number("at_ms", to_ms(time.at));
  return m;
}

members members_of(const task_spec& task) {
  static const task_spec standard;
  members m;
  m.add("name", stored(task.name));
  m.add("handler", stored(task.handler));
  m.text("directory", task.directory);
  m.text("input", task.input, standard.input);
  m.object("fanout", members_of(task.fanout));
  m.object("retry", members_of(task.retry));
  m.duration("timeout_ms", task.timeout);
  m.number("max_concurrency", task.max_concurrency);
  m.object("tolerate", members_of(task.tolerate));
  m.word("on_failure", on_failure_names, task.on_failure, standard.on_failure);
  m.word("collect", collect_names, task.collect, standard.collect);
  m.object("not_before", members_of(task.not_before));
  m.number("priority", task.priority);
  return m;
}

// -- reading ------------------------------------------------------------------

[[noreturn]] void refuse(const std::string& why, const json& value) {
  throw json::other_error::create(501, why, &value);
}

void restore(const json& value, std::string& text) {
  if (!value.is_object()) {
    value.get_to(text);
    return;
  }
  const auto& hex = value.at("hex").get_ref<const std::string&>();
  text.clear();
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    text += static_cast<char>(hex_digits.find(hex[i]) << 4
                              | hex_digits.find(hex[i + 1]));
}

void restore(const json& value, std::vector<std::string>& texts) {
  texts.clear();
  for (const auto& text : value.get_ref<const json::array_t&>())
    restore(text, texts.emplace_back());
}

void restore(const json& value, std::int32_t& n) {
  value.get_to(n);
}
void restore(const json& value, std::int64_t& n) {
  value.get_to(n);
}
void restore(const json& value, double& n) {
  value.get_to(n);
}
void restore(const json& value, milliseconds& d) {
  d = milliseconds{value.get<milliseconds::rep>()};
}
void restore(const json& value, timestamp& t) {
  t = from_ms(value.get<std::int64_t>());
}

template <class E, std::size_t N>
void restore_word(const json& value, const std::array<choice<E>, N>& names,
                  E& target) {
  const auto found = value_of(names, value.get_ref<const std::string&>());
  if (!found)
    refuse("unknown word " + dump(value), value);
  target = *found;
}

void restore(const json& value, source_kind& kind) {
  restore_word(value, source_names, kind);
}
void restore(const json& value, backoff& b) {
  restore_word(value, backoff_names, b);
}
void restore(const json& value, jitter& j) {
  restore_word(value, jitter_names, j);
}
void restore(const json& value, on_failure& f) {
  restore_word(value, on_failure_names, f);
}
void restore(const json& value, collect& c) {
  restore_word(value, collect_names, c);
}

void restore(const json& object, fanout_source& source);
void restore(const json& object, retry_policy& retry);
void restore(const json& object, count_or_percent& share);
void restore(const json& object, moment& time);

/// Calls `member(key, value)`, which says whether it knows the key, for each
/// member of an object.
template <class Member>
void each_member(const json& object, Member member) {
  for (const auto& [key, value] : object.get_ref<const json::object_t&>())
    if (!member(key, value))
      refuse("unknown member " + dump(key), object);
}

/// Restores the target if its key is the one that was read.
class named_member {
public:
  named_member(const std::string& key, const json& value)
    : key_(key), value_(value) {}

  template <class T>
  bool is(std::string_view name, T& target) const {
    if (key_ != name)
      return false;
    restore(value_, target);
    return true;
  }

private:
  const std::string& key_;
  const json& value_;
};

void restore(const json& object, fanout_source& source) {
  each_member(object, [&](const auto& key, const auto& value) {
    const named_member m{key, value};
    return m.is("kind", source.kind) || m.is("count", source.count)
           || m.is("from", source.from) || m.is("to", source.to)
           || m.is("step", source.step) || m.is("path", source.path);
  });
}

void restore(const json& object, retry_policy& retry) {
  each_member(object, [&](const auto& key, const auto& value) {
    const named_member m{key, value};
    return m.is("max_retries", retry.max_retries)
           || m.is("backoff", retry.backoff) || m.is("delay_ms", retry.delay)
           || m.is("factor", retry.factor)
           || m.is("max_delay_ms", retry.max_delay)
           || m.is("jitter", retry.jitter)
           || m.is("non_retryable", retry.non_retryable);
  });
}

void restore(const json& object, count_or_percent& share) {
  each_member(object, [&](const auto& key, const auto& value) {
    const named_member m{key, value};
    return m.is("count", share.count) || m.is("percent", share.percent);
  });
}

void restore(const json& object, moment& time) {
  each_member(object, [&](const auto& key, const auto& value) {
    const named_member m{key, value};
    return m.is("delay_ms", time.delay) || m.is("at_ms", time.at);
  });
}

void restore(const json& object, task_spec& task) {
  each_member(object, [&](const auto& key, const auto& value) {
    const named_member m{key, value};
    return m.is("name", task.name) || m.is("handler", task.handler)
           || m.is("directory", task.directory) || m.is("input", task.input)
           || m.is("fanout", task.fanout) || m.is("retry", task.retry)
           || m.is("timeout_ms", task.timeout)
           || m.is("max_concurrency", task.max_concurrency)
           || m.is("tolerate", task.tolerate)
           || m.is("on_failure", task.on_failure)
           || m.is("collect", task.collect)
           || m.is("not_before", task.not_before)
           || m.is("priority", task.priority);
  });
  for (const auto* required : {"name", "handler"})
    object.at(required);
}

} // namespace

std::string to_stored_text(const task_spec& spec) {
  return members_of(spec).whole();
}

result<task_spec> from_stored_text(std::string_view text) {
  constexpr auto unlimited = std::numeric_limits<std::size_t>::max();
  const auto value
    = parse_json(text, {.bytes = unlimited, .values = unlimited});
  if (!value)
    return fail(errc::corrupt, "stored task: " + value.error().message);
  try {
    task_spec task;
    restore(*value, task);
    return task;
  } catch (const json::exception& e) {
    return fail(errc::corrupt, std::string{"stored task: "} + e.what());
  }
}

} // namespace conductor
