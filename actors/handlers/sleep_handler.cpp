#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/attempt_queue.hpp"
#include "actors/handlers/input_check.hpp"

namespace conductor {

namespace {

/// One thread wakes all sleepers, in the order of their times. Attempts beyond
/// the slots wait before they fall asleep.
class sleep_handler : public handler {
public:
  explicit sleep_handler(std::size_t slots) : slots_(slots), queue_(slots) {}
  ~sleep_handler() override {
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable())
      thread_.join();
  }

  handler_traits traits() const override { return {.queues = slots_ > 0}; }
  std::vector<definition_error> check(const json& input) const override;
  void start(attempt work, outcome_sink& sink) override;
  void stop(attempt_key which, stop_reason reason) override;
  std::optional<time_point> began_at(attempt_key which) override {
    const std::lock_guard guard(mutex_);
    return queue_.began_at(which);
  }
  std::vector<attempt_key> withdraw(time_point started_before) override {
    const std::lock_guard guard(mutex_);
    return queue_.withdraw(started_before);
  }

private:
  using clock = execution_time::clock;
  using alarms = std::multimap<time_point, attempt_key>;

  struct sleeper {
    outcome_sink* sink = nullptr;
    clock::duration duration{};
    alarms::iterator alarm{}; ///< valid while asleep
  };
  using queue = attempt_queue<sleeper>;

  result<clock::duration> duration_of(const attempt& work);
  bool add(attempt_key which, sleeper one);
  void begin_waiting();
  static void report(const queue::entry& ended, outcome result);
  void run();

  /// Of the task that was started last: its children sleep equally long.
  std::shared_ptr<const task_template> origin_;
  clock::duration duration_{};

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::size_t slots_; ///< 0 = no bound
  queue queue_;
  alarms alarms_;
  bool stopping_ = false;
  std::thread thread_;
};

std::vector<definition_error> sleep_handler::check(const json& input) const {
  input_problems found;
  check_fields(input, {"duration"}, found);
  if (!input.is_object())
    return found;
  if (!input.contains("duration"))
    found.push_back({"/input", "needs a \"duration\" such as \"10ms\""});
  else if (input["duration"].is_number()) {
    if (input["duration"] != 0)
      found.push_back({"/input/duration", dump(input["duration"])
                                            + " has no unit (write 250ms, 5s, "
                                              "10m or 2h)"});
  } else if (const auto* text = string_field(input, "duration", found);
             text && !parse_duration(*text))
    found.push_back(
      {"/input/duration", '"' + *text
                            + "\" is not a duration (write 250ms, 5s, 10m or "
                              "2h)"});
  return found;
}

void sleep_handler::start(attempt work, outcome_sink& sink) {
  const auto duration = duration_of(work);
  if (!duration) {
    auto result = outcome::failure("input", duration.error().message);
    result.retryable = false;
    sink.report(work.key(), std::move(result), {});
  } else if (!add(work.key(), {&sink, *duration})) {
    sink.report(work.key(),
                outcome::failure("thread", "cannot create a thread"), {});
  }
}

result<sleep_handler::clock::duration>
sleep_handler::duration_of(const attempt& work) {
  if (origin_ == work.origin)
    return duration_;
  const auto input = work.input();
  if (const auto problems = check(input); !problems.empty())
    return fail(errc::invalid, to_string(problems.front()));
  // The clock counts nanoseconds: further than this it could overflow.
  constexpr milliseconds longest = std::chrono::hours(24 * 365 * 50);
  const auto& text = input["duration"];
  const auto asked = text.is_number()
                       ? milliseconds(0)
                       : *parse_duration(text.get<std::string>());
  duration_ = std::min(asked, longest);
  origin_ = work.origin;
  return duration_;
}

bool sleep_handler::add(attempt_key which, sleeper one) {
  const std::lock_guard guard(mutex_);
  try {
    if (!thread_.joinable())
      thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return false;
  }
  queue_.add(which, one);
  begin_waiting();
  return true;
}

/// Fills the free slots. The mutex is held.
void sleep_handler::begin_waiting() {
  while (auto* next = queue_.next()) {
    queue_.begin(*next);
    auto& alarm = next->job.alarm;
    alarm = alarms_.emplace(*next->began + next->job.duration, next->key);
    if (alarm == alarms_.begin())
      changed_.notify_one();
  }
}

void sleep_handler::report(const queue::entry& ended, outcome result) {
  ended.job.sink->report(ended.key, std::move(result),
                         ended.began ? execution_time::since(*ended.began)
                                     : execution_time{});
}

void sleep_handler::stop(attempt_key which, stop_reason reason) {
  std::optional<queue::entry> found;
  {
    const std::lock_guard guard(mutex_);
    found = queue_.remove(which);
    if (found && found->began)
      alarms_.erase(found->job.alarm);
    begin_waiting();
  }
  if (found)
    report(*found, outcome::failure(to_string(reason), "stopped while asleep"));
}

void sleep_handler::run() {
  std::unique_lock guard(mutex_);
  while (!stopping_) {
    if (alarms_.empty()) {
      changed_.wait(guard);
      continue;
    }
    if (const auto at = alarms_.begin()->first; at > clock::now()) {
      changed_.wait_until(guard, at);
      continue;
    }
    const auto ended = queue_.remove(alarms_.begin()->second);
    alarms_.erase(alarms_.begin());
    begin_waiting();
    guard.unlock();
    report(*ended, outcome::success());
    guard.lock();
  }
}

} // namespace

std::shared_ptr<handler> make_sleep_handler(unsigned slots) {
  return std::make_shared<sleep_handler>(slots);
}

} // namespace conductor
