#include "apps/orcon/work.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/output.hpp"
#include "apps/orcon/progress.hpp"

namespace orcon {

using namespace conductor;
using namespace std::chrono_literals;

namespace {

constexpr auto turn = 100ms;
constexpr auto patience = 10s;

/// When the first signal came, in ms of the monotonic clock; 0 = none yet.
std::atomic<std::int64_t> first_signal{0};

/// `timeout`, shells and supervisors signal a process and then its group: what
/// comes at once is one wish, not two.
constexpr std::int64_t one_wish_ms = 200;

void on_signal(int) {
  // Async-signal-safe. Whatever was acknowledged is on disk: an exit at any
  // moment loses nothing, and the kernel ends our processes with us.
  struct timespec t {};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  const auto now = std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000 + 1;
  std::int64_t none = 0;
  if (first_signal.compare_exchange_strong(none, now))
    return;
  if (now - first_signal > one_wish_ms)
    ::_exit(interrupted);
}

void say(const settings& s, const std::string& text) {
  if (!s.quiet)
    fmt::print(stderr, "orcon: {}\n", text);
}

int stop_interrupted(engine& engine, const settings& s) {
  say(s, fmt::format("stopping: waiting up to {} for what is running "
                     "(Ctrl-C again ends at once)",
                     human_duration(patience)));
  const auto given_up = engine.stop(patience);
  say(s, fmt::format("stopped{}; nothing is lost. Go on with:  orcon resume "
                     "--db {}",
                     given_up > 0 ? fmt::format(", {} attempt(s) were given up",
                                                given_up)
                                  : "",
                     s.database));
  return interrupted;
}

/// Tells once that the storage takes no writes, and once that it does again.
void watch_storage(const storage_state& now, bool& told, const settings& s) {
  if (now.writable == told)
    say(s, now.writable ? "the storage takes writes again; going on"
                        : "waiting: " + now.reason.message);
  told = !now.writable;
}

} // namespace

signal_guard::signal_guard() {
  first_signal = 0;
  struct sigaction response {};
  response.sa_handler = on_signal;
  response.sa_flags = SA_RESTART;
  ::sigemptyset(&response.sa_mask);
  ::sigaction(SIGINT, &response, nullptr);
  ::sigaction(SIGTERM, &response, nullptr);
}

signal_guard::~signal_guard() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool signal_guard::stop_wanted() const { return first_signal != 0; }

result<engine> open_engine(const settings& s, bool create) {
  return engine::open(
    {.database = s.database, .workers = s.workers, .create = create});
}

int work(engine& engine, const std::vector<std::string>& run_ids,
         const settings& s, const signal_guard& signals,
         const std::function<void()>& each_turn) {
  const auto reader = engine.open_reader();
  std::vector<run_key> runs;
  for (const auto& id : run_ids)
    if (const auto run = reader->find_run(id))
      runs.push_back(*run);
  progress bars{s};
  bool told = false;
  int code = done;
  for (std::size_t i = 0; i < run_ids.size();) {
    const auto state = engine.wait(run_ids[i], turn);
    const auto storage = engine.storage();
    if (signals.stop_wanted() || storage.lost)
      break;
    watch_storage(storage, told, s);
    if (each_turn) {
      bars.clear();
      each_turn();
    }
    bars.show(*reader, runs, false);
    if (!state && state.error().code != errc::timeout)
      return report_error(state.error());
    if (!state)
      continue;
    if (const auto ended = exit_code_of(*state);
        code == done || ended == run_failed)
      code = ended;
    ++i;
  }
  if (each_turn) {
    bars.clear();
    each_turn();
  }
  bars.show(*reader, runs, true);
  if (engine.storage().lost)
    return report_error(engine.storage().reason);
  if (signals.stop_wanted())
    return stop_interrupted(engine, s);
  return code;
}

} // namespace orcon
