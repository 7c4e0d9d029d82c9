#include "tests/apps/random/random_definition.hpp"

#include "tests/support/dice.hpp"

namespace orcon::test {

using conductor::json;
using conductor::test::dice;

namespace {

json random_range(dice& d, std::int64_t width) {
  const auto from = d.pick(-20, 20);
  if (d.chance(30))
    return {{"range", {from, from + width - 1}}};
  const auto step = d.one_of<std::int64_t>({-3, -1, 1, 2, 5});
  // Ends between two numbers now and then; an empty one ends before it began.
  const auto slack = step > 1 && width > 0 ? d.pick(0, step - 1) : 0;
  return {{"range", {from, from + (width - 1) * step + slack, step}}};
}

json random_fanout(dice& d, std::int64_t width, const definition_wish& wish) {
  json items = json::array();
  for (std::int64_t i = 0; i < width; ++i)
    items.push_back(d.one_of<json>(
      {i, "text " + std::to_string(i), {{"size", i}}, nullptr, {1, 2}}));
  switch (d.pick(1, 5)) {
  case 1: return width;
  case 2: return items;
  case 3: return {{"items", items}};
  case 4:
    if (width < 10)
      return {{"lines", wish.folder + "/lines-" + std::to_string(width)}};
    [[fallthrough]];
  default: return random_range(d, width);
  }
}

json random_script(dice& d, std::int64_t width) {
  json script = json::array();
  const auto failing = d.pick(0, 60);
  for (std::int64_t i = 0; i < width; ++i) {
    json attempts = json::array();
    while (attempts.size() < 6 && d.chance(static_cast<int>(failing)))
      attempts.push_back(d.one_of<std::string>(
        {"busy", "busy", "lost", "~busy", "throw", "never", "!final"}));
    script.push_back(std::move(attempts));
  }
  return script;
}

json random_share(dice& d, std::int64_t of) {
  if (d.chance(50))
    return d.pick(0, of);
  return std::to_string(d.pick(0, 100)) + "%";
}

json random_retry(dice& d) {
  json retry{{"delay", d.one_of<json>({0, 0, "1ms", "2ms"})},
             {"max_delay", "3ms"}};
  if (d.chance(50))
    retry["backoff"] = d.one_of<json>({"fixed", "linear", "exponential"});
  if (d.chance(30))
    retry["factor"] = d.pick(1, 4);
  if (d.chance(50))
    retry["jitter"] = d.one_of<json>({"none", "full", "equal"});
  if (d.chance(40))
    retry["non_retryable"] = d.one_of<json>(
      {json::array(), {"never"}, {"never", "lost"}, {"exception"}});
  return retry;
}

void add_handler(dice& d, json& task, std::int64_t width,
                 const definition_wish& wish) {
  auto& input = task["input"];
  const auto kind = d.pick(1, 10);
  if (kind <= 6 && wish.scripted) {
    task["handler"] = scripted_handler;
    input["script"] = random_script(d, width);
  } else if (kind <= 7) {
    task["handler"] = "noop";
  } else {
    task["handler"] = "fail";
    if (d.chance(80))
      input["times"] = d.pick(0, 4);
    if (d.chance(50))
      input["type"] = d.one_of<json>({"busy", "never", "lost"});
  }
}

json random_task(dice& d, const definition_wish& wish) {
  json task{{"input", json::object()}};
  const auto parent = d.chance(65);
  const auto width = d.chance(10)   ? std::int64_t{0}
                     : d.chance(10) ? d.pick(20, 60)
                                    : d.pick(1, 9);
  add_handler(d, task, parent ? width : 1, wish);
  if (parent)
    task["input"]["fanout"] = random_fanout(d, width, wish);
  if (d.chance(60))
    task["max_retries"] = d.pick(0, 4);
  if (d.chance(40))
    task["retry"] = random_retry(d);
  if (d.chance(30))
    task["max_concurrency"] = d.pick(1, 3);
  if (d.chance(50))
    task["tolerate"] = random_share(d, width);
  if (d.chance(25))
    task["on_failure"] = d.one_of<json>({"fail_fast", "wait"});
  if (d.chance(50))
    task["collect"] = d.one_of<json>({"outputs", "none"});
  return task;
}

} // namespace

json random_definition(std::uint64_t seed, const definition_wish& wish) {
  dice d{seed};
  json definition{{"name", "random " + std::to_string(seed)},
                  {"defaults", {{"retry", random_retry(d)}}}};
  if (d.chance(30))
    definition["defaults"]["max_retries"] = d.pick(0, 2);
  if (d.chance(25))
    definition["retry_budget"] = random_share(d, 12);
  const auto as_list = d.chance(50);
  auto& tasks = definition["tasks"] = as_list ? json::array() : json::object();
  const auto count = d.pick(1, 5);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto name
      = d.one_of<std::string>({"task ", "tâche", "x."}) + std::to_string(i);
    auto task = random_task(d, wish);
    if (as_list) {
      task["name"] = name;
      tasks.push_back(std::move(task));
    } else {
      tasks[name] = std::move(task);
    }
  }
  return definition;
}

} // namespace orcon::test
