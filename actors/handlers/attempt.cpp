#include <utility>

#include <conductor/handler.hpp>
#include <conductor/task_context.hpp>

namespace conductor {

namespace {

/// Texts that we wrote ourselves: no limits, and null if damaged.
json parse_own(const std::string& text) {
  auto value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(nullptr) : value;
}

} // namespace

outcome outcome::success(std::string output_json) {
  outcome result;
  result.output = std::move(output_json);
  return result;
}

outcome outcome::failure(std::string type, std::string message) {
  outcome result;
  result.succeeded = false;
  result.error_type = std::move(type);
  result.error_message = std::move(message);
  return result;
}

std::string attempt::name() const {
  const auto& parent_name = origin->spec.name;
  return index > 0 ? parent_name + '#' + std::to_string(index) : parent_name;
}

json attempt::input() const {
  auto value = parse_own(origin->spec.input);
  if (!value.is_object())
    value = json::object();
  value.erase("fanout");
  if (index > 0) {
    value["index"] = index;
    value["item"] = parse_own(item);
  }
  return value;
}

json task_context::item() const {
  return parse_own(work_.item);
}

std::vector<definition_error> handler::check(const json&) const {
  return {};
}

std::optional<milliseconds> handler::running_for(task_key, std::int32_t) {
  return std::nullopt;
}

std::vector<attempt_key> handler::withdraw_waiting() {
  return {};
}

void handler::cancel(task_key, std::int32_t, const std::string&) {
  // Nothing to stop: the attempt reports when it is done.
}

} // namespace conductor
