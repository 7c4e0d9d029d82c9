#include "tests/apps/random/prediction.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "tests/apps/random/random_definition.hpp"

namespace orcon::test {

using conductor::json;

namespace {

/// A count, or a share such as "5%" rounded down.
std::int64_t share_of(const json& value, std::int64_t total) {
  if (value.is_number())
    return value.get<std::int64_t>();
  return std::stoll(value.get<std::string>()) * total / 100;
}

std::int64_t count_range(const json& range) {
  const auto from = range[0].get<std::int64_t>();
  const auto to = range[1].get<std::int64_t>();
  const auto step = range.size() == 3 ? range[2].get<std::int64_t>() : 1;
  std::int64_t count = 0;
  for (auto x = from; step > 0 ? x <= to : x >= to; x += step)
    ++count;
  return count;
}

std::int64_t count_lines(const std::string& path) {
  std::ifstream file{path};
  std::int64_t count = 0;
  for (std::string line; std::getline(file, line);)
    ++count;
  return count;
}

std::int64_t width_of(const json& fanout) {
  if (fanout.is_number())
    return fanout.get<std::int64_t>();
  if (fanout.is_array())
    return std::ssize(fanout);
  if (fanout.contains("items"))
    return std::ssize(fanout["items"]);
  if (fanout.contains("range"))
    return count_range(fanout["range"]);
  return count_lines(fanout["lines"]);
}

struct policy {
  std::int64_t max_retries = 3;
  json non_retryable = json::array();
};

policy policy_of(const json& task, const json& defaults) {
  policy p;
  for (const auto* level : {&defaults, &task}) {
    p.max_retries = level->value("max_retries", p.max_retries);
    if (level->contains("retry"))
      p.non_retryable
        = (*level)["retry"].value("non_retryable", p.non_retryable);
  }
  return p;
}

/// How attempt `n` of child `index` ends: "" or as in a script.
std::string ending(const json& task, std::int64_t index, std::int64_t n) {
  const auto& input = task["input"];
  if (task["handler"] == "noop")
    return "";
  if (task["handler"] == "fail")
    return !input.contains("times") || n <= input["times"].get<std::int64_t>()
             ? input.value("type", "fail")
             : "";
  const auto& script
    = input["script"]
           [static_cast<std::size_t>(std::max<std::int64_t>(index - 1, 0))];
  return n <= std::ssize(script)
           ? script[static_cast<std::size_t>(n - 1)].get<std::string>()
           : "";
}

leaf_prediction predict_leaf(const json& task, const policy& p,
                             const std::string& name, std::int64_t index) {
  leaf_prediction leaf{.name = name};
  for (std::int64_t n = 1;; ++n) {
    auto end = ending(task, index, n);
    if (end.empty()) {
      if (task["handler"] == scripted_handler)
        leaf.output = conductor::dump({{"attempt", n}, {"index", index}});
      return leaf;
    }
    const auto final = end.front() == '!';
    if (final || end.front() == '~')
      end.erase(0, 1);
    leaf.error_type = end == "throw" ? "exception" : end;
    const auto& never = p.non_retryable;
    if (final || leaf.retries == p.max_retries
        || std::find(never.begin(), never.end(), leaf.error_type)
             != never.end()) {
      leaf.state = "FAILED";
      return leaf;
    }
    ++leaf.retries;
  }
}

task_prediction predict_task(const json& task, const json& defaults,
                             const std::string& name) {
  task_prediction t{.name = name};
  const auto p = policy_of(task, defaults);
  t.parent = task["input"].contains("fanout");
  if (!t.parent) {
    t.leaves.push_back(predict_leaf(task, p, name, 0));
    return t;
  }
  t.fail_fast = task.value("on_failure", "wait") == "fail_fast";
  t.collect = task.value("collect", "none") == "outputs";
  t.max_concurrency = task.value("max_concurrency", 0);
  const auto width = width_of(task["input"]["fanout"]);
  t.tolerated = share_of(task.value("tolerate", json(0)), width);
  for (std::int64_t i = 1; i <= width; ++i)
    t.leaves.push_back(
      predict_leaf(task, p, name + "#" + std::to_string(i), i));
  return t;
}

} // namespace

std::int64_t task_prediction::failures() const {
  return std::count_if(leaves.begin(), leaves.end(),
                       [](const auto& l) { return l.state == "FAILED"; });
}

bool task_prediction::trips() const {
  return fail_fast && failures() > tolerated;
}

prediction predict(const json& definition) {
  prediction p;
  const auto defaults = definition.value("defaults", json::object());
  for (const auto& [key, task] : definition["tasks"].items())
    p.tasks.push_back(predict_task(task, defaults, task.value("name", key)));
  for (const auto& t : p.tasks) {
    p.leaves += std::ssize(t.leaves);
    for (const auto& leaf : t.leaves)
      p.retries += leaf.retries;
  }
  if (definition.contains("retry_budget"))
    p.budget = share_of(definition["retry_budget"], p.leaves);
  return p;
}

event_counts events_of_leaf(std::int64_t attempts, const std::string& state) {
  const auto failed = state == "FAILED";
  event_counts events{{"task.created", 1}, {"task.started", attempts}};
  if (attempts > 1)
    events["task.retried"] = attempts - 1;
  if (attempts > 1 || failed)
    events["task.failed"] = attempts - (failed ? 0 : 1);
  events[failed ? "task.retries_exhausted" : "task.succeeded"] = 1;
  return events;
}

event_counts events_of_parent(bool empty) {
  return {{"task.created", 1},
          {"worker.fanout.detected", 1},
          {empty ? "worker.fanout.skipped" : "worker.fanout.completed", 1},
          {"task.aggregated", 1}};
}

std::string state_of_parent(std::int64_t failed, std::int64_t cancelled,
                            std::int64_t tolerated) {
  return failed > tolerated ? "FAILED"
         : cancelled > 0    ? "CANCELLED"
                            : "SUCCEEDED";
}

} // namespace orcon::test
