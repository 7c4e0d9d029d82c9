#include <utility>

#include <conductor/handler.hpp>
#include <conductor/stored_json.hpp>

namespace conductor {

namespace {

/// For texts from our own database: no limits; null if the text is damaged.
json parse_own(const std::string& text) {
  auto value = parse_stored(text);
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

execution_time execution_time::since(clock::time_point began) {
  return {began, std::chrono::duration_cast<std::chrono::microseconds>(
                   clock::now() - began)};
}

const char* to_string(stop_reason reason) {
  switch (reason) {
  case stop_reason::timeout: return "timeout";
  case stop_reason::cancelled: return "cancelled";
  case stop_reason::shutdown: break;
  }
  return "shutdown";
}

std::string attempt::task_id() const {
  return ids.text(id_kind::task, origin->created_at, task);
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

std::vector<definition_error> handler::check(const json&) const {
  return {};
}

void handler::stop(attempt_key, stop_reason) {}

std::optional<handler::time_point> handler::began_at(attempt_key) {
  return std::nullopt;
}

std::vector<attempt_key> handler::withdraw(time_point) {
  return {};
}

} // namespace conductor
