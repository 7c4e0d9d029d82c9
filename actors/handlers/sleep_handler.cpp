#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/input_check.hpp"

namespace conductor {

namespace {

/// One thread wakes all sleepers, in the order of their times. Beyond the slots
/// they wait for a place before they fall asleep.
class sleep_handler : public handler {
public:
  explicit sleep_handler(std::size_t slots) : slots_(slots) {}
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
  void cancel(task_key task, std::int32_t number,
              const std::string& reason) override;
  std::optional<milliseconds> running_for(task_key task,
                                          std::int32_t number) override;
  std::vector<attempt_key> withdraw_waiting() override;

private:
  using clock = std::chrono::steady_clock;
  using key = std::pair<task_key, std::int32_t>;

  struct sleeper {
    key id;
    outcome_sink* sink;
    clock::duration duration;
    clock::time_point started;

    void report(outcome result) const {
      sink->report(id.first, id.second, std::move(result),
                   std::chrono::duration_cast<std::chrono::microseconds>(
                     clock::now() - started));
    }
  };
  using queue = std::multimap<clock::time_point, sleeper>;

  result<clock::duration> duration_of(const attempt& work);
  bool add(const sleeper& one);
  bool fall_asleep(sleeper one);
  void let_next_in();
  void run();

  /// Of the task that was looked at last: its children sleep equally long.
  std::shared_ptr<const task_origin> origin_;
  clock::duration duration_{};

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::size_t slots_; ///< 0 = no bound
  queue queue_;
  std::map<key, queue::iterator> places_;
  std::deque<sleeper> waiting_; ///< for a slot
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
  sleeper one{{work.task, work.number}, &sink, {}, clock::now()};
  const auto duration = duration_of(work);
  if (!duration) {
    auto result = outcome::failure("input", duration.error().message);
    result.retryable = false;
    one.report(std::move(result));
    return;
  }
  one.duration = *duration;
  if (!add(one))
    one.report(outcome::failure("thread", "the system denies us a thread"));
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

bool sleep_handler::add(const sleeper& one) {
  {
    const std::lock_guard guard(mutex_);
    try {
      if (!thread_.joinable())
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      return false;
    }
    if (slots_ > 0 && queue_.size() >= slots_) {
      waiting_.push_back(one);
      return true;
    }
    if (!fall_asleep(one))
      return true;
  }
  changed_.notify_one();
  return true;
}

/// Whether it is the next to wake up. The mutex is held.
bool sleep_handler::fall_asleep(sleeper one) {
  one.started = clock::now();
  const auto place = queue_.emplace(one.started + one.duration, one);
  places_[one.id] = place;
  return place == queue_.begin();
}

/// Fills a slot that has become free. The mutex is held.
void sleep_handler::let_next_in() {
  if (waiting_.empty())
    return;
  const auto first = fall_asleep(waiting_.front());
  waiting_.pop_front();
  if (first)
    changed_.notify_one();
}

void sleep_handler::cancel(task_key task, std::int32_t number,
                           const std::string& reason) {
  std::optional<sleeper> found;
  {
    const std::lock_guard guard(mutex_);
    const auto place = places_.find({task, number});
    const auto waits
      = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& one) {
          return one.id == key{task, number};
        });
    if (place != places_.end()) {
      found = place->second->second;
      queue_.erase(place->second);
      places_.erase(place);
      let_next_in();
    } else if (waits != waiting_.end()) {
      found = *waits;
      waiting_.erase(waits);
    }
  }
  if (found)
    found->report(outcome::failure(reason, "stopped while asleep"));
}

std::optional<milliseconds> sleep_handler::running_for(task_key task,
                                                       std::int32_t number) {
  const std::lock_guard guard(mutex_);
  const auto place = places_.find({task, number});
  if (place == places_.end())
    return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(
    clock::now() - place->second->second.started);
}

std::vector<attempt_key> sleep_handler::withdraw_waiting() {
  const std::lock_guard guard(mutex_);
  std::vector<attempt_key> keys;
  for (const auto& one : waiting_)
    keys.push_back(one.id);
  waiting_.clear();
  return keys;
}

void sleep_handler::run() {
  std::unique_lock guard(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      changed_.wait(guard);
      continue;
    }
    if (const auto at = queue_.begin()->first; at > clock::now()) {
      changed_.wait_until(guard, at);
      continue;
    }
    const auto node = queue_.extract(queue_.begin());
    places_.erase(node.mapped().id);
    let_next_in();
    guard.unlock();
    node.mapped().report(outcome::success());
    guard.lock();
  }
}

} // namespace

std::shared_ptr<handler> make_sleep_handler(unsigned slots) {
  return std::make_shared<sleep_handler>(slots);
}

} // namespace conductor
