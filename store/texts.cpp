#include "store/texts.hpp"

#include <conductor/json_text.hpp>

namespace conductor {

std::string run_created_payload(const submission& run) {
  return dump({{"name", run.name}, {"tasks", run.tasks.size()}});
}

std::string task_created_payload(const task_submission& task) {
  json payload{{"name", task.spec.name}};
  if (task.total >= 0)
    payload["children"] = task.total;
  return dump(payload);
}

std::string child_name(const std::string& parent, std::int64_t index) {
  return parent + "#" + std::to_string(index);
}

std::string child_item(const fanout_source& source, std::int64_t index,
                       const std::string& stored) {
  if (!stored.empty())
    return stored;
  if (source.kind == source_kind::range)
    return std::to_string(source.from + (index - 1) * source.step);
  return std::to_string(index);
}

std::string child_input(const std::string& parent_input, std::int64_t index,
                        const std::string& item) {
  auto input = json::parse(parent_input, nullptr, false);
  if (!input.is_object())
    input = json::object();
  input.erase("fanout");
  input["index"] = index;
  input["item"] = json::parse(item, nullptr, false);
  return dump(input);
}

} // namespace conductor
