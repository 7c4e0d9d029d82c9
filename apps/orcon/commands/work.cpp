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

#include "apps/orcon/commands/attempt_log.hpp"
#include "apps/orcon/commands/metrics_file.hpp"
#include "apps/orcon/default_database.hpp"
#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
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
/// comes together is one request, not two.
constexpr std::int64_t one_request_ms = 200;

/// Whether a second signal has come since, and what came with it.
std::atomic<bool> at_once{false};

void on_signal(int) {
  // Async-signal-safe.
  struct timespec t {};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  const auto now = std::int64_t{t.tv_sec} * 1000 + t.tv_nsec / 1'000'000 + 1;
  std::int64_t none = 0;
  if (first_signal.compare_exchange_strong(none, now)
      || now - first_signal <= one_request_ms)
    return;
  // Not at once yet: what our processes have started in their turn would live
  // on. Whatever was acknowledged is on disk, so that if even this does not
  // end, an exit at any moment loses nothing.
  if (at_once.exchange(true) && now - first_signal > 2 * one_request_ms)
    ::_exit(interrupted);
}

bool stop_was_wanted() {
  return first_signal != 0;
}

/// Lets what runs come to its end, until the time is over or the user has no
/// more patience.
std::int64_t stop_patiently(engine& engine, milliseconds time = patience) {
  auto given_up
    = std::async(std::launch::async, [&] { return engine.stop(time); });
  while (given_up.wait_for(20ms) != std::future_status::ready)
    if (at_once) {
      engine.stop(0ms);
      break;
    }
  return given_up.get();
}

int stop_interrupted(engine& engine, const settings& s) {
  if (!stop_was_wanted())
    say(s, "nobody reads the output any more");
  say(s, fmt::format("stopping: waiting up to {} for what is running "
                     "(Ctrl-C again ends immediately)",
                     human_duration(patience)));
  const auto given_up = stop_patiently(engine);
  say(s, fmt::format("stopped{}; nothing is lost. Continue with:  orcon "
                     "resume --db {}",
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
    say(s, now.writable ? "the storage takes writes again; continuing"
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
  stop_writing_when(stop_was_wanted);
}

signal_guard::~signal_guard() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool signal_guard::stop_wanted() const {
  return first_signal != 0;
}

void add_work_options(CLI::App& command, std::string& metrics_file) {
  command
    .add_option("--metrics-file", metrics_file,
                "Write Prometheus' text format to this file every 10 s")
    ->type_name("FILE");
}

result<engine> open_engine(const settings& s, bool create) {
  if (create)
    if (const auto refused = make_database_folder(s))
      return tl::unexpected(refused);
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

namespace {

/// Runs being worked to their ends.
class work_in_progress {
public:
  work_in_progress(engine& e, std::unique_ptr<store_reader> reader,
                   std::vector<std::string> ids, const settings& s,
                   const signal_guard& signals, const work_hooks& hooks)
    : engine_(e), ids_(std::move(ids)), settings_(s), signals_(signals),
      hooks_(hooks), reader_(std::move(reader)), runs_(keys()), bars_(s),
      figures_(hooks.metrics_file), attempts_(runs_, system_now()) {}

  int run();

private:
  std::vector<run_key> keys() const;
  bool stop_wanted() const {
    return signals_.stop_wanted() || (hooks_.needs_reader && reader_has_gone());
  }
  bool halted() const { return hooks_.halted && hooks_.halted(); }
  result<run_state> wait_a_turn(const std::string& id);
  void look_around();
  void print_news();
  int end_halted();
  int end_interrupted();

  engine& engine_;
  const std::vector<std::string> ids_;
  const settings& settings_;
  const signal_guard& signals_;
  const work_hooks& hooks_;
  const std::unique_ptr<store_reader> reader_;
  const std::vector<run_key> runs_;
  progress bars_;
  metrics_file figures_;
  attempt_log attempts_;
  bool storage_told_ = false;
};

std::vector<run_key> work_in_progress::keys() const {
  std::vector<run_key> found;
  for (const auto& id : ids_)
    if (const auto run = reader_->find_run(id))
      found.push_back(*run);
  return found;
}

/// Waits until a run has ended or it is time to look around. A signal ends the
/// wait soon, so that nothing more is begun.
result<run_state> work_in_progress::wait_a_turn(const std::string& id) {
  constexpr auto piece = 20ms;
  for (auto waited = 0ms;; waited += piece) {
    auto state = engine_.wait(id, piece);
    if (state || state.error().code != errc::timeout || waited >= turn
        || signals_.stop_wanted() || halted())
      return state;
  }
}

void work_in_progress::print_news() {
  const auto make_room = [&] { bars_.clear(); };
  if (settings_.verbose && !settings_.quiet)
    attempts_.print(*reader_, make_room);
  if (hooks_.each_turn)
    hooks_.each_turn(make_room);
}

void work_in_progress::look_around() {
  watch_storage(engine_.storage(), storage_told_, bars_, settings_);
  figures_.write(engine_, settings_.database, false);
  print_news();
  bars_.show(*reader_, runs_, false);
}

/// Ends by the rule of --halt. What has not begun stays as it is.
int work_in_progress::end_halted() {
  constexpr milliseconds as_long_as_it_takes = 24h * 365;
  bars_.clear();
  stop_patiently(engine_, hooks_.halt_now ? 0ms : as_long_as_it_takes);
  print_news();
  state_counts all;
  for (auto run : runs_)
    all += reader_->count_leaves(run);
  say(settings_, fmt::format("halted; {} of {} were not done, the same line "
                             "resumes with them",
                             with_commas(all.total() - all.settled()),
                             with_commas(all.total())));
  return all.failed > 0 ? run_failed : done;
}

/// Before anything else nothing more is begun: whoever reads the output may be
/// slow, or not read at all.
int work_in_progress::end_interrupted() {
  bars_.keep(); // no summary follows
  figures_.write(engine_, settings_.database, true);
  return stop_interrupted(engine_, settings_);
}

int work_in_progress::run() {
  say_missing_handlers(engine_, *reader_, runs_, settings_);
  int code = done;
  for (auto id = ids_.begin(); id != ids_.end();) {
    const auto state = wait_a_turn(*id);
    if (engine_.storage().lost)
      break;
    if (!state && stop_wanted())
      return end_interrupted();
    if (!state && halted())
      return end_halted();
    look_around();
    if (!state && state.error().code != errc::timeout)
      return report_error(state.error());
    if (!state)
      continue;
    if (const auto how = exit_code_of(*state);
        code == done || how == run_failed)
      code = how;
    ++id;
  }
  print_news();
  if (const auto storage = engine_.storage(); storage.lost) {
    bars_.keep();
    figures_.write(engine_, settings_.database, true);
    return report_error(storage.reason);
  }
  bars_.show(*reader_, runs_, true);
  figures_.write(engine_, settings_.database, true);
  return code;
}

} // namespace

int work(engine& engine, const std::vector<std::string>& run_ids,
         const settings& s, const signal_guard& signals,
         const work_hooks& hooks) {
  auto reader = engine.open_reader();
  if (!reader)
    return report_error(reader.error());
  return work_in_progress{engine, std::move(*reader), run_ids, s, signals,
                          hooks}
    .run();
}

} // namespace orcon
