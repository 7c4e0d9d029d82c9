#include <atomic>
#include <thread>

#include <benchmark/benchmark.h>
#include <spawn.h>
#include <sys/wait.h>

#include "actors/handlers/process/process_runner.hpp"

// Processes a second: through the process runner with so many slots, and one
// after another with what the C library has.
namespace {

using namespace conductor;

constexpr int processes_a_round = 200;

void processes_through_runner(benchmark::State& state) {
  process_runner runner{{.slots = static_cast<std::size_t>(state.range(0))}};
  const process_spec spec{.argv = {"/bin/true"}, .keep_output = false};
  std::int64_t started = 0;
  std::atomic<std::int64_t> ended{0};
  for (auto _ : state) {
    for (int i = 0; i < processes_a_round; ++i)
      runner.start({++started, 1}, spec, [&](const process_result&) {
        ++ended;
        ended.notify_one();
      });
    for (auto seen = ended.load(); seen < started; seen = ended.load())
      ended.wait(seen);
  }
  state.SetItemsProcessed(started);
}

void processes_by_posix_spawn(benchmark::State& state) {
  char name[] = "/bin/true";
  char* argv[] = {name, nullptr};
  char* envp[] = {nullptr};
  for (auto _ : state) {
    pid_t pid = 0;
    if (::posix_spawn(&pid, name, nullptr, nullptr, argv, envp) != 0)
      return state.SkipWithError("posix_spawn failed");
    ::waitpid(pid, nullptr, 0);
  }
  state.SetItemsProcessed(state.iterations());
}

} // namespace

BENCHMARK(processes_through_runner)->Arg(1)->Arg(2)->Arg(8)->UseRealTime();
BENCHMARK(processes_by_posix_spawn)->UseRealTime();
