#include <conductor/run_spec.hpp>

namespace conductor {

const char* to_string(backoff b) {
  switch (b) {
  case backoff::fixed: return "fixed";
  case backoff::linear: return "linear";
  case backoff::exponential: return "exponential";
  }
  return "?";
}

const char* to_string(jitter j) {
  switch (j) {
  case jitter::none: return "none";
  case jitter::full: return "full";
  case jitter::equal: return "equal";
  }
  return "?";
}

run_spec& run_spec::task(std::string handler, std::string task_name) {
  auto& t = tasks.emplace_back();
  t.name = task_name.empty() ? handler : std::move(task_name);
  t.handler = std::move(handler);
  return *this;
}

/// The task that `call` shapes; none, and the spec is marked, before the first.
task_spec* run_spec::last_task(const char* call) {
  if (!tasks.empty())
    return &tasks.back();
  if (misuse.empty())
    misuse = std::string{call} + "() was called before task()";
  return nullptr;
}

run_spec& run_spec::fanout(std::int64_t count) {
  if (auto* task = last_task("fanout"))
    task->fanout = {.kind = source_kind::count, .count = count};
  return *this;
}

run_spec& run_spec::fanout(std::vector<std::string> json_items) {
  if (auto* task = last_task("fanout")) {
    task->fanout = {.kind = source_kind::items};
    task->fanout.count = static_cast<std::int64_t>(json_items.size());
    task->fanout.items = std::move(json_items);
  }
  return *this;
}

run_spec& run_spec::input(std::string json_object) {
  if (auto* task = last_task("input"))
    task->input = std::move(json_object);
  return *this;
}

run_spec& run_spec::max_retries(std::int32_t n) {
  if (auto* task = last_task("max_retries"))
    task->retry.max_retries = n;
  return *this;
}

run_spec& run_spec::retry(retry_policy policy) {
  if (auto* task = last_task("retry"))
    task->retry = std::move(policy);
  return *this;
}

run_spec& run_spec::after(std::string task_name) {
  if (auto* task = last_task("after"))
    task->after.push_back(std::move(task_name));
  return *this;
}

run_spec& run_spec::when(condition c) {
  if (auto* task = last_task("when"))
    task->when = c;
  return *this;
}

run_spec& run_spec::not_before(moment m) {
  if (auto* task = last_task("not_before"))
    task->not_before = m;
  return *this;
}

run_spec& run_spec::task_priority(std::int32_t p) {
  if (auto* task = last_task("task_priority"))
    task->priority = p;
  return *this;
}

run_spec& run_spec::max_concurrency(std::int64_t n) {
  if (auto* task = last_task("max_concurrency"))
    task->max_concurrency = n;
  return *this;
}

} // namespace conductor
