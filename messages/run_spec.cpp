#include <conductor/run_spec.hpp>

#include <cassert>

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

run_spec& run_spec::fanout(std::int64_t count) {
  assert(!tasks.empty() && "call task() first");
  tasks.back().fanout = {.kind = source_kind::count, .count = count};
  return *this;
}

run_spec& run_spec::fanout(std::vector<std::string> json_items) {
  assert(!tasks.empty() && "call task() first");
  auto& source = tasks.back().fanout;
  source = {.kind = source_kind::items};
  source.count = static_cast<std::int64_t>(json_items.size());
  source.items = std::move(json_items);
  return *this;
}

run_spec& run_spec::input(std::string json_object) {
  assert(!tasks.empty() && "call task() first");
  tasks.back().input = std::move(json_object);
  return *this;
}

run_spec& run_spec::max_retries(std::int32_t n) {
  assert(!tasks.empty() && "call task() first");
  tasks.back().retry.max_retries = n;
  return *this;
}

run_spec& run_spec::retry(retry_policy policy) {
  assert(!tasks.empty() && "call task() first");
  tasks.back().retry = std::move(policy);
  return *this;
}

run_spec& run_spec::max_concurrency(std::int64_t n) {
  assert(!tasks.empty() && "call task() first");
  tasks.back().max_concurrency = n;
  return *this;
}

} // namespace conductor
