#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <conductor/builtin_handlers.hpp>

#include "actors/handlers/attempt_queue.hpp"

namespace conductor {

namespace {

using function = std::function<outcome(const task_context&)>;

class function_handler : public handler {
public:
  function_handler(function f, unsigned threads)
    : function_(std::move(f)), max_threads_(std::max(threads, 1u)),
      queue_(max_threads_) {}

  ~function_handler() override;
  handler_traits traits() const override { return {.queues = true}; }
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
  struct job {
    attempt work;
    outcome_sink* sink;
    std::atomic<bool> cancelled = false;
    std::optional<stop_reason> stopped; ///< guarded by mutex_
  };
  using job_ptr = std::shared_ptr<job>;

  void add_thread();
  void run();
  void execute(job& j, time_point began);
  outcome call(const job& j) const;

  const function function_;
  const std::size_t max_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  attempt_queue<job_ptr> queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

function_handler::~function_handler() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    queue_.for_each([](job_ptr& j) { j->cancelled = true; });
  }
  changed_.notify_all();
  for (auto& t : threads_)
    t.join();
}

void function_handler::start(attempt work, outcome_sink& sink) {
  const auto key = work.key();
  auto j = std::make_shared<job>();
  j->work = std::move(work);
  j->sink = &sink;
  bool accepted = false;
  {
    const std::lock_guard guard(mutex_);
    if (idle_ <= queue_.waiting() && threads_.size() < max_threads_)
      add_thread();
    accepted = !threads_.empty();
    if (accepted)
      queue_.add(key, std::move(j));
  }
  if (accepted)
    changed_.notify_one();
  else
    sink.report(key, outcome::failure("thread", "cannot create a thread"), {});
}

void function_handler::add_thread() {
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    // The existing threads pick up the work.
  }
}

void function_handler::stop(attempt_key which, stop_reason reason) {
  outcome_sink* waited = nullptr;
  {
    const std::lock_guard guard(mutex_);
    const auto* found = queue_.find(which);
    if (!found)
      return;
    found->job->cancelled = true;
    found->job->stopped = reason;
    if (!found->began)
      waited = queue_.remove(which)->job->sink;
  }
  if (waited)
    waited->report(
      which, outcome::failure(to_string(reason), "stopped before it began"),
      {});
}

void function_handler::run() {
  std::unique_lock guard(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(guard, [this] { return stopping_ || queue_.next(); });
    --idle_;
    if (stopping_)
      return;
    auto& next = *queue_.next();
    queue_.begin(next);
    const auto j = next.job;
    const auto began = *next.began;
    guard.unlock();
    execute(*j, began);
    guard.lock();
  }
}

void function_handler::execute(job& j, time_point began) {
  auto result = call(j);
  const auto ran = execution_time::since(began);
  {
    const std::lock_guard guard(mutex_);
    queue_.remove(j.work.key());
    if (stopping_)
      return;
    // A function that failed after a stop request reports the stop reason.
    if (!result.succeeded && j.stopped)
      result.error_type = to_string(*j.stopped);
  }
  j.sink->report(j.work.key(), std::move(result), ran);
}

outcome function_handler::call(const job& j) const {
  try {
    auto result = function_(task_context(j.work, j.cancelled));
    if (!result.output.empty() && !is_json(result.output))
      return outcome::failure("output", "the output is not JSON: "
                                          + result.output.substr(0, 60));
    return result;
  } catch (const std::exception& e) {
    return outcome::failure("exception", e.what());
  } catch (...) {
    return outcome::failure("exception",
                            "threw an object that is not a std::exception");
  }
}

} // namespace

std::shared_ptr<handler>
make_function_handler(std::function<outcome(const task_context&)> f,
                      unsigned threads) {
  return std::make_shared<function_handler>(std::move(f), threads);
}

} // namespace conductor
