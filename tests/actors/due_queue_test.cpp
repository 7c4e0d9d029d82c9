#define CAF_SUITE actors.due_queue

#include "actors/executor/due_queue.hpp"

#include <random>

#include <caf/test/unit_test.hpp>

#include <conductor/builtin_handlers.hpp>

#include "actors/executor/lane.hpp"

using namespace conductor;

namespace {

/// A table of due tasks, and who executes them: `owners[task % 3]`.
struct bench {
  std::map<due_position, task_key> table;
  attempt_metrics figures;
  lane busy{make_noop_handler(), 1, 0, figures};
  lane quick{make_noop_handler(), 1, 0, figures};
  std::map<task_key, lane*> owners;
  due_queue queue{10};
  int loads = 0;

  void add(task_key task, lane* owner, std::int64_t at = 1) {
    table[{from_ms(at), task}] = task;
    owners[task] = owner;
    queue.look_from({from_ms(at), task - 1});
  }

  void refill() {
    queue.refill(
      [this](due_position after, std::size_t limit) {
        ++loads;
        std::vector<due_task> page;
        for (auto i = table.upper_bound(after);
             i != table.end() && page.size() < limit; ++i)
          page.push_back({{i->second, 1, 0, 0, 0, 0}, i->first.at});
        return page;
      },
      [this](const task_brief& task) { return owners.at(task.key); });
  }

  /// Claims what `from` may have, up to `most`; the table forgets it.
  std::vector<task_key> claim(const lane& from, int most) {
    refill();
    std::vector<task_key> claimed;
    queue.claim_each([&](const lane& l) { return &l == &from && most > 0; },
                     [&](const task_brief& task, lane&) {
                       claimed.push_back(task.key);
                       --most;
                       return true;
                     });
    for (auto task : claimed)
      std::erase_if(table, [=](const auto& x) { return x.second == task; });
    for (auto task : claimed)
      queue.forget(task);
    return claimed;
  }
};

} // namespace

CAF_TEST(a full lane hides nothing from another) {
  bench b;
  for (task_key task = 1; task <= 5000; ++task)
    b.add(task, &b.busy);
  b.add(5001, &b.quick);
  CAF_CHECK_EQUAL(b.claim(b.quick, 9).size(), std::size_t{1});
}

CAF_TEST(tasks of absent handlers hide nothing) {
  bench b;
  for (task_key task = 1; task <= 5000; ++task)
    b.add(task, nullptr);
  b.add(5001, &b.quick);
  CAF_CHECK_EQUAL(b.claim(b.quick, 9).size(), std::size_t{1});
}

CAF_TEST(what there was no room for comes in its turn) {
  bench b;
  for (task_key task = 1; task <= 100; ++task)
    b.add(task, task % 3 == 0 ? &b.quick : &b.busy);
  task_key expected = 0;
  for (int claimed = 0; claimed < 67;) {
    const auto page = b.claim(b.busy, 4);
    CAF_REQUIRE(!page.empty());
    for (auto task : page) {
      do
        ++expected;
      while (expected % 3 == 0);
      CAF_CHECK_EQUAL(task, expected);
    }
    claimed += static_cast<int>(page.size());
  }
  CAF_CHECK_EQUAL(b.claim(b.quick, 99).size(), std::size_t{10});
}

CAF_TEST(nothing is looked for where nothing has fallen due) {
  bench b;
  b.add(1, &b.quick);
  b.claim(b.quick, 9);
  const auto before = b.loads;
  b.claim(b.quick, 9);
  CAF_CHECK_EQUAL(b.loads, before);
}

CAF_TEST(every task is claimed once whatever comes when) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    bench b;
    std::mt19937 random{seed};
    std::map<task_key, int> claims;
    task_key last = 0;
    for (int step = 0; step < 60; ++step) {
      const auto n = static_cast<int>(random() % 12);
      for (int i = 0; i < n; ++i)
        b.add(++last, random() % 2 ? &b.busy : &b.quick,
              static_cast<std::int64_t>(random() % 5));
      for (auto task : b.claim(random() % 2 ? b.busy : b.quick,
                               static_cast<int>(random() % 8)))
        ++claims[task];
    }
    for (int i = 0; i < 1000 && !b.table.empty(); ++i)
      for (auto task : b.claim(i % 2 ? b.busy : b.quick, 100))
        ++claims[task];
    CAF_MESSAGE("seed " << seed);
    CAF_REQUIRE_EQUAL(claims.size(), static_cast<std::size_t>(last));
    for (const auto& [task, n] : claims)
      CAF_REQUIRE_EQUAL(n, 1);
  }
}
