#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/input_check.hpp"

namespace conductor {

namespace {

/// One thread wakes all sleepers, in the order of their times.
class sleep_handler : public handler {
public:
  ~sleep_handler() override {
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable())
      thread_.join();
  }

  std::vector<definition_error> check(const json& input) const override;
  void start(attempt work, outcome_sink& sink) override;
  void cancel(task_key task, std::int32_t number,
              const std::string& reason) override;

private:
  using clock = std::chrono::steady_clock;
  using key = std::pair<task_key, std::int32_t>;

  struct sleeper {
    key id;
    outcome_sink* sink;
    clock::time_point started;

    void report(outcome result) const {
      sink->report(id.first, id.second, std::move(result),
                   std::chrono::duration_cast<std::chrono::microseconds>(
                       clock::now() - started));
    }
  };
  using queue = std::multimap<clock::time_point, sleeper>;

  bool add(clock::time_point at, const sleeper& one);
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  queue queue_;
  std::map<key, queue::iterator> places_;
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
  else if (const auto* text = string_field(input, "duration", found);
           text && !parse_duration(*text))
    found.push_back({"/input/duration",
                     '"' + *text
                         + "\" is not a duration (write 250ms, 5s, 10m or "
                           "2h)"});
  return found;
}

void sleep_handler::start(attempt work, outcome_sink& sink) {
  const sleeper one{{work.task, work.number}, &sink, clock::now()};
  const auto input = work.input();
  if (const auto problems = check(input); !problems.empty()) {
    auto result = outcome::failure("input", to_string(problems.front()));
    result.retryable = false;
    one.report(std::move(result));
    return;
  }
  // The clock counts nanoseconds: further than this it could overflow.
  constexpr milliseconds longest = std::chrono::hours(24 * 365 * 50);
  const auto duration =
      parse_duration(input["duration"].get_ref<const std::string&>());
  const auto at = one.started + std::min(*duration, longest);
  if (!add(at, one))
    one.report(outcome::failure("thread", "the system denies us a thread"));
}

bool sleep_handler::add(clock::time_point at, const sleeper& one) {
  {
    const std::lock_guard guard(mutex_);
    try {
      if (!thread_.joinable())
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      return false;
    }
    const auto place = queue_.emplace(at, one);
    places_[one.id] = place;
    if (place != queue_.begin())
      return true;
  }
  changed_.notify_one();
  return true;
}

void sleep_handler::cancel(task_key task, std::int32_t number,
                           const std::string& reason) {
  queue::node_type node;
  {
    const std::lock_guard guard(mutex_);
    const auto place = places_.find({task, number});
    if (place == places_.end())
      return;
    node = queue_.extract(place->second);
    places_.erase(place);
  }
  node.mapped().report(outcome::failure(reason, "stopped while asleep"));
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
    guard.unlock();
    node.mapped().report(outcome::success());
    guard.lock();
  }
}

} // namespace

std::shared_ptr<handler> make_sleep_handler() {
  return std::make_shared<sleep_handler>();
}

} // namespace conductor
