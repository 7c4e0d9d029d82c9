#include "apps/orcon/commands/work.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <future>
#include <set>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/terminal/attempt_log.hpp"
#include "apps/orcon/map/map_inputs.hpp"
#include "apps/orcon/terminal/metrics_file.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/progress.hpp"

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

/// Whether a second signal has come since, and what came with it.
std::atomic<bool> at_once{false};

void on_signal(int) {
  // Async-signal-safe.
  struct timespec t {};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  const auto now = std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000 + 1;
  std::int64_t none = 0;
  if (first_signal.compare_exchange_strong(none, now)
      || now - first_signal <= one_wish_ms)
    return;
  // Not at once yet: what our processes have started in their turn would live
  // on. Whatever was acknowledged is on disk, so that if even this does not
  // end, an exit at any moment loses nothing.
  if (at_once.exchange(true) && now - first_signal > 2 * one_wish_ms)
    ::_exit(interrupted);
}

/// Lets what runs come to its end, until patience or the user's ends.
std::int64_t stop_patiently(engine& engine) {
  auto given_up
    = std::async(std::launch::async, [&] { return engine.stop(patience); });
  while (given_up.wait_for(20ms) != std::future_status::ready)
    if (at_once) {
      engine.stop(0ms);
      break;
    }
  return given_up.get();
}

int stop_interrupted(engine& engine, const settings& s) {
  say(s, fmt::format("stopping: waiting up to {} for what is running "
                     "(Ctrl-C again ends at once)",
                     human_duration(patience)));
  const auto given_up = stop_patiently(engine);
  say(s, fmt::format("stopped{}; nothing is lost. Go on with:  orcon resume "
                     "--db {}",
                     given_up > 0
                       ? fmt::format(", {} attempt(s) were given up", given_up)
                       : "",
                     shell_quoted(s.database)));
  return interrupted;
}

/// Tells once that the storage takes no writes, and once that it does again.
void watch_storage(const storage_state& now, bool& told, progress& bars,
                   const settings& s) {
  if (now.writable == told) {
    bars.clear();
    say(s, now.writable ? "the storage takes writes again; going on"
                        : "waiting: " + now.reason.message);
  }
  told = !now.writable;
}

/// A run of another program may need handlers that only that one has: without
/// a word it would wait for ever.
void say_missing_handlers(const engine& engine, store_reader& reader,
                          const std::vector<run_key>& runs, const settings& s) {
  std::set<std::string> missing;
  for (auto run : runs)
    for (const auto& task : reader.list_tasks(
           {.run = run, .top_level = true, .texts = false}, 0, 1000))
      if (!settled(task.state) && !engine.has_handler(task.handler))
        missing.insert(task.handler);
  for (const auto& handler : missing)
    say(s, fmt::format("no handler \"{}\" here: its tasks wait for the program "
                       "that registers it",
                       handler));
}

} // namespace

signal_guard::signal_guard() {
  first_signal = 0;
  at_once = false;
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

bool signal_guard::stop_wanted() const {
  return first_signal != 0;
}

void add_work_options(CLI::App& command, settings& s) {
  command
    .add_option("--metrics-file", s.metrics_file,
                "Write Prometheus' text format to this file every 10 s")
    ->type_name("FILE");
}

result<engine> open_engine(const settings& s, bool create) {
  auto opened = engine::open(
    {.database = s.database, .workers = s.workers, .create = create});
  if (opened)
    say_more(s, fmt::format("database {}, {} attempts at once", s.database,
                            s.workers > 0 ? std::to_string(s.workers)
                                          : "as many as cores"));
  return opened;
}

int refuse(engine& engine, const settings& s, bool is_new, const error& why) {
  engine.stop(0ms);
  if (is_new)
    discard_unused_database(s.database);
  return report_error(why);
}

bool has_database(const settings& s) {
  std::error_code ignored;
  return std::filesystem::exists(s.database, ignored);
}

int work(engine& engine, const std::vector<std::string>& run_ids,
         const settings& s, const signal_guard& signals,
         const std::function<void(const std::function<void()>&)>& each_turn) {
  const auto reader = engine.open_reader();
  std::vector<run_key> runs;
  for (const auto& id : run_ids)
    if (const auto run = reader->find_run(id))
      runs.push_back(*run);
  say_missing_handlers(engine, *reader, runs, s);
  progress bars{s};
  metrics_file figures{s.metrics_file};
  const auto make_room = [&] { bars.clear(); };
  attempt_log attempts{runs, system_now()};
  const auto tell = [&] {
    if (s.verbose && !s.quiet)
      attempts.print(*reader, make_room);
    if (each_turn)
      each_turn(make_room);
  };
  bool told = false;
  int code = done;
  for (std::size_t i = 0; i < run_ids.size();) {
    const auto state = engine.wait(run_ids[i], turn);
    const auto storage = engine.storage();
    if (signals.stop_wanted() || storage.lost)
      break;
    watch_storage(storage, told, bars, s);
    figures.write(engine, s.database, false);
    tell();
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
  tell();
  if (engine.storage().lost || signals.stop_wanted())
    bars.keep(); // no summary follows
  else
    bars.show(*reader, runs, true);
  figures.write(engine, s.database, true);
  if (engine.storage().lost)
    return report_error(engine.storage().reason);
  if (signals.stop_wanted())
    return stop_interrupted(engine, s);
  return code;
}

} // namespace orcon
