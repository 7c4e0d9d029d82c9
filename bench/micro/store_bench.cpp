#include <filesystem>

#include "actors/rules/lease_rules.hpp"
#include <benchmark/benchmark.h>
#include <conductor/store.hpp>
#include <unistd.h>

// Leases a second: one change set a task (work whose outcomes differ), and one
// for a whole range, by the number of tasks in one transaction.
namespace {

using namespace conductor;

constexpr timestamp now = from_ms(1'767'225'600'000);

/// A store with a parent whose children are created ahead of their use.
class children {
public:
  children(std::unique_ptr<store> kept, std::int64_t ahead)
    : kept_(std::move(kept)), ahead_(ahead) {
    change_set changes;
    auto& s = changes.submissions.emplace_back();
    s.name = "bench";
    s.at = now;
    auto& task = s.tasks.emplace_back();
    task.spec.name = "parent";
    task.spec.handler = "noop";
    task.spec.fanout.kind = source_kind::count;
    task.spec.fanout.count = task.total = 1'000'000'000;
    const auto run = commit(std::move(changes)).replies.front().runs.front();
    run_ = run.key;
    parent_ = run.first_task;
    next_ = first_ = parent_ + 1;
  }

  bool has(std::int64_t count) const { return next_ + count <= first_ + made_; }

  void make_more() {
    change_set changes;
    changes.expansions.push_back({.run = run_,
                                  .parent = parent_,
                                  .first = made_ + 1,
                                  .count = ahead_,
                                  .at = now});
    commit(std::move(changes));
    made_ += ahead_;
  }

  task_move lease(std::int64_t count) {
    auto move = rules::plan_claim({next_, run_, parent_, 0, 0, 0}, count, now,
                                  now + milliseconds{60'000});
    next_ += count;
    return move;
  }

  batch_result commit(change_set changes) {
    std::vector<change_set> batch;
    batch.push_back(std::move(changes));
    return commit(batch);
  }

  batch_result commit(std::vector<change_set>& batch) {
    auto result = kept_->commit(batch);
    kept_->maintain();
    return result;
  }

private:
  std::unique_ptr<store> kept_;
  std::int64_t ahead_;
  run_key run_ = 0;
  task_key parent_ = 0, first_ = 0, next_ = 0;
  std::int64_t made_ = 0;
};

/// A database in the working directory: what is measured is its disk.
class folder {
public:
  folder()
    : path_(std::filesystem::current_path()
            / ("bench-micro-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;

  std::unique_ptr<store> make() const {
    auto opened = open_sqlite_store({.path = (path_ / "orcon.db").string()});
    if (!opened)
      throw store_error{opened.error(), true};
    return std::move(*opened);
  }

private:
  std::filesystem::path path_;
};

void refill(benchmark::State& state, children& tasks, std::int64_t count) {
  if (tasks.has(count))
    return;
  state.PauseTiming();
  while (!tasks.has(count))
    tasks.make_more();
  state.ResumeTiming();
}

void lease_each(benchmark::State& state, children tasks) {
  const auto size = state.range(0);
  for (auto _ : state) {
    refill(state, tasks, size);
    std::vector<change_set> batch(static_cast<std::size_t>(size));
    for (auto& changes : batch)
      changes.moves.push_back(tasks.lease(1));
    benchmark::DoNotOptimize(tasks.commit(batch));
  }
  state.SetItemsProcessed(state.iterations() * size);
}

void lease_range(benchmark::State& state, children tasks) {
  const auto size = state.range(0);
  for (auto _ : state) {
    refill(state, tasks, size);
    change_set changes;
    changes.moves.push_back(tasks.lease(size));
    benchmark::DoNotOptimize(tasks.commit(std::move(changes)));
  }
  state.SetItemsProcessed(state.iterations() * size);
}

void sqlite_each(benchmark::State& state) {
  const folder place;
  lease_each(state, children{place.make(), 100'000});
}

void sqlite_range(benchmark::State& state) {
  const folder place;
  lease_range(state, children{place.make(), 100'000});
}

void memory_each(benchmark::State& state) {
  lease_each(state, children{make_memory_store(), 10'000});
}

} // namespace

BENCHMARK(sqlite_each)->RangeMultiplier(10)->Range(1, 1000)->UseRealTime();
BENCHMARK(sqlite_range)->RangeMultiplier(10)->Range(10, 1000)->UseRealTime();
BENCHMARK(memory_each)->RangeMultiplier(10)->Range(1, 1000)->UseRealTime();
