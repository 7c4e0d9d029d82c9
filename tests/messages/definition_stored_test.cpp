// The form in which the store keeps a task spec.
#define CAF_SUITE messages.definition_stored

#include <limits>
#include <string>
#include <vector>

#include <conductor/definition.hpp>

#include "tests/support/dice.hpp"

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

task_spec full_task() {
  task_spec task{.name = "n", .handler = "h", .directory = "/d \xC3\xA9"};
  task.input = R"({ "as" : "written", "fanout":{"items": [1,"\u00e9"]} })";
  task.fanout = {.kind = source_kind::items,
                 .count = 2,
                 .from = -1,
                 .to = std::numeric_limits<std::int64_t>::max(),
                 .step = std::numeric_limits<std::int64_t>::min(),
                 .items = {"1", R"("\u00e9")"},
                 .path = "/p",
                 .list = 7};
  task.retry = {9,         backoff::linear, milliseconds{1},
                1.1,       milliseconds{2}, jitter::equal,
                {"x", "y"}};
  task.timeout = milliseconds{12345};
  task.max_concurrency = 77;
  task.tolerate = {3, 0.1};
  task.on_failure = on_failure::fail_fast;
  task.collect = collect::outputs;
  task.after = {"a", "b"};
  task.when = condition::settled;
  task.not_before = {milliseconds{9}, from_ms(10)};
  task.priority = 4;
  return task;
}

/// Everything but a list and the dependencies is stored.
bool round_trip(task_spec task) {
  const auto back = from_stored_text(to_stored_text(task));
  if (!back)
    CAF_MESSAGE(back.error().message);
  task.fanout.items.clear();
  task.fanout.list = 0;
  task.after.clear();
  task.when = condition::succeeded;
  return back && *back == task;
}

errc error_of(const std::string& text) {
  const auto task = from_stored_text(text);
  return task ? errc::none : task.error().code;
}

/// Each member has its default in about half of all tasks.
task_spec random_task(test::dice& d) {
  const auto full = full_task();
  task_spec task{.name = d.chance(50) ? "" : "n"};
  const auto choose = [&](auto member) {
    if (d.chance(50))
      task.*member = full.*member;
  };
  const auto choose_in = [&](auto part, auto... members) {
    ((d.chance(50) ? void(task.*part.*members = full.*part.*members) : void()),
     ...);
  };
  choose(&task_spec::handler);
  choose(&task_spec::directory);
  choose(&task_spec::input);
  choose(&task_spec::timeout);
  choose(&task_spec::max_concurrency);
  choose(&task_spec::on_failure);
  choose(&task_spec::collect);
  choose(&task_spec::priority);
  using source = fanout_source;
  choose_in(&task_spec::fanout, &source::kind, &source::count, &source::from,
            &source::to, &source::step, &source::path);
  using policy = retry_policy;
  choose_in(&task_spec::retry, &policy::max_retries, &policy::backoff,
            &policy::delay, &policy::factor, &policy::max_delay,
            &policy::jitter, &policy::non_retryable);
  choose_in(&task_spec::tolerate, &count_or_percent::count,
            &count_or_percent::percent);
  choose_in(&task_spec::not_before, &moment::delay, &moment::at);
  return task;
}

} // namespace

CAF_TEST(the stored form loses nothing but lists and dependencies) {
  CAF_CHECK(round_trip({}));
  CAF_CHECK(round_trip(full_task()));
  for (int kind = 0; kind < 7; ++kind) {
    auto task = full_task();
    task.fanout.kind = static_cast<source_kind>(kind);
    CAF_CHECK(round_trip(task));
  }
  for (int i = 0; i < 3; ++i) {
    auto task = full_task();
    task.retry.backoff = static_cast<backoff>(i);
    task.retry.jitter = static_cast<jitter>(i);
    task.on_failure = static_cast<on_failure>(i / 2);
    task.collect = static_cast<collect>(i / 2);
    CAF_CHECK(round_trip(task));
  }
  auto odd = full_task();
  odd.directory = "/not \xFF utf-8\n";
  odd.fanout.path = std::string{"\x80\0z", 3};
  CAF_CHECK(round_trip(odd));
  CAF_CHECK(valid_utf8(to_stored_text(odd)));
}

CAF_TEST(every combination of defaults comes back) {
  test::dice d{12};
  for (int i = 0; i < 2000; ++i) {
    const auto task = random_task(d);
    if (!round_trip(task))
      CAF_ERROR("not restored: " << to_stored_text(task));
    CAF_CHECK(is_json(to_stored_text(task)));
  }
}

CAF_TEST(what has its default is left out) {
  CAF_CHECK_EQUAL(to_stored_text({}), R"({"name":"","handler":""})");
  task_spec task{.name = "a", .handler = "exec"};
  task.retry.max_retries = 0;
  task.priority = 1;
  CAF_CHECK_EQUAL(
    to_stored_text(task),
    R"({"name":"a","handler":"exec","retry":{"max_retries":0},"priority":1})");
}

CAF_TEST(lists and dependencies are not in the text) {
  auto other = full_task();
  other.fanout.items = {"2", "3"};
  other.fanout.list = 8;
  other.after = {"c"};
  other.when = condition::failed;
  CAF_CHECK_EQUAL(to_stored_text(other), to_stored_text(full_task()));
}

CAF_TEST(damaged stored text is corrupt) {
  const auto good = parse_json(to_stored_text(full_task()));
  CAF_REQUIRE(good.has_value());
  for (const auto* text : {"", "{", "[]", "5", "{}", "null", "\"x\""})
    CAF_CHECK(error_of(text) == errc::corrupt);
  for (const auto& [key, value] : good->items()) {
    auto wrong = *good;
    wrong[key] = json::array({1});
    CAF_CHECK(error_of(dump(wrong)) == errc::corrupt);
    auto strange = *good;
    strange["x" + key] = value;
    CAF_CHECK(error_of(dump(strange)) == errc::corrupt);
    if (value.is_object()) {
      strange = *good;
      strange[key]["x"] = 1;
      CAF_CHECK(error_of(dump(strange)) == errc::corrupt);
    }
  }
  for (const auto* required : {"name", "handler"}) {
    auto without = *good;
    without.erase(required);
    CAF_CHECK(error_of(dump(without)) == errc::corrupt);
  }
  auto word = *good;
  word["retry"]["backoff"] = "cubic";
  CAF_CHECK(error_of(dump(word)) == errc::corrupt);
}
