#define CAF_SUITE monitor.summary

#include <conductor/event_payload.hpp>
#include <conductor/monitor.hpp>

#include <caf/test/unit_test.hpp>

using namespace conductor;

namespace {

constexpr auto start = from_ms(1'700'000'000'000);
constexpr milliseconds minute{60'000};

std::string error_of(const std::string& type, const std::string& message) {
  return R"({"attempt":1,"message":")" + message + R"(","type":")" + type
         + "\"}";
}

/// A run of leaves a, b, …, all of them RUNNING since `start`.
struct running_run {
  std::unique_ptr<store> db = make_memory_store();
  std::unique_ptr<store_reader> reader = db->open_reader();

  explicit running_run(int leaves) {
    submission run{.name = "r"};
    for (int i = 0; i < leaves; ++i)
      run.tasks.push_back({{.name = std::string(1, static_cast<char>('a' + i)),
                            .handler = "noop"}});
    change_set changes;
    changes.add(std::move(run));
    changes.add(claim_tasks{{{"noop", leaves}}, leaves});
    commit(std::move(changes), start);
  }
  void commit(change_set changes, timestamp at) {
    std::vector batch{std::move(changes)};
    const auto result = db->commit(batch, at);
    CAF_REQUIRE(result.replies.at(0).refusals.empty());
  }
  void end(task_key key, task_state to, timestamp at, std::string error = {}) {
    move_tasks m{.run = 1,
                 .tasks = {key, 1},
                 .from = task_state::running,
                 .attempt = 1,
                 .to = to,
                 .delay = to == task_state::retrying ? minute : milliseconds{0},
                 .error = error};
    m.events.push_back(to == task_state::succeeded
                         ? task_succeeded(1)
                         : task_failed(1, error, to == task_state::retrying));
    change_set changes;
    changes.add(std::move(m));
    commit(std::move(changes), at);
  }
};

} // namespace

CAF_TEST(tasks that wait for a retry have causes of their own) {
  running_run r{4};
  r.end(1, task_state::failed, start + minute, error_of("exit", "code 1"));
  r.end(2, task_state::retrying, start + 2 * minute, error_of("busy", "at 7"));
  r.end(3, task_state::retrying, start + 3 * minute, error_of("busy", "at 8"));
  const auto s = summarise(*r.reader, 1, start + 4 * minute);
  CAF_REQUIRE_EQUAL(s.failures.size(), 1u);
  CAF_CHECK_EQUAL(s.failures[0].type, "exit");
  CAF_REQUIRE_EQUAL(s.to_retry.size(), 1u);
  CAF_CHECK_EQUAL(s.to_retry[0].count, 2);
  CAF_CHECK_EQUAL(s.to_retry[0].task, "b");
  CAF_CHECK(s.to_retry[0].first == start + 2 * minute);
  CAF_CHECK(s.to_retry[0].last == start + 3 * minute);
  CAF_CHECK(s.last_settled == start + minute);
}

CAF_TEST(a task that hangs differs from one that runs) {
  running_run r{3};
  r.end(1, task_state::succeeded, start + minute);
  auto s = summarise(*r.reader, 1, start + 4 * minute);
  CAF_CHECK_EQUAL(s.running.size(), 2u);
  CAF_CHECK(s.stuck.empty());
  s = summarise(*r.reader, 1, start + 6 * minute);
  CAF_REQUIRE_EQUAL(s.stuck.size(), 2u);
  CAF_CHECK_EQUAL(s.stuck[0].name, "b");
  CAF_CHECK(s.stuck[0].started_at == start);
  CAF_CHECK(
    summarise(*r.reader, 1, start + 6 * minute, {.stuck_after = 9 * minute})
      .stuck.empty());
}

CAF_TEST(many texts are few groups and their counts are true) {
  failure_grouping grouping;
  const auto add = [&](const std::string& error) {
    grouping.add({error, start, start}, [] { return "t"; });
  };
  for (int i = 0; i < 30'000; ++i)
    add(error_of("quota", "tenant " + std::to_string(i) + " over"));
  for (int i = 0; i < 500; ++i)
    add(error_of("http404", "gone"));
  for (int i = 0; i < 400; ++i)
    add(error_of("http500", "gone"));
  // Words that differ are groups of their own, up to a bound.
  const auto word = [](int i) {
    std::string w = "w";
    for (; i > 0; i /= 10)
      w += static_cast<char>('k' + i % 10);
    return w;
  };
  for (int i = 0; i < 5'000; ++i)
    add(error_of("words", word(i)));
  const auto groups = grouping.take();
  CAF_CHECK_LESS_OR_EQUAL(groups.size(), 1001u);
  std::int64_t all = 0;
  for (const auto& g : groups)
    all += g.count;
  CAF_CHECK_EQUAL(all, 35'900);
  CAF_CHECK_EQUAL(groups[0].count, 30'000);
  CAF_CHECK_EQUAL(groups[0].message, "tenant N over");
  CAF_CHECK_EQUAL(groups[1].message, "(other messages)");
  CAF_CHECK_EQUAL(groups[2].type, "http404");
  CAF_CHECK_EQUAL(groups[2].count, 500);
  CAF_CHECK_EQUAL(groups[3].type, "http500");
  CAF_CHECK_EQUAL(groups[3].count, 400);
}
