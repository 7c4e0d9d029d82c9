#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <conductor/builtin_handlers.hpp>

namespace conductor {

namespace {

using function = std::function<outcome(const task_context&)>;

class function_handler : public handler {
public:
  function_handler(function f, unsigned threads)
    : function_(std::move(f)), most_threads_(std::max(threads, 1u)) {}

  ~function_handler() override;
  handler_traits traits() const override { return {.queues = true}; }
  void start(attempt work, outcome_sink& sink) override;
  void cancel(task_key task, std::int32_t number,
              const std::string& reason) override;
  std::optional<milliseconds> running_for(task_key task,
                                          std::int32_t number) override;
  std::vector<attempt_key> withdraw_waiting() override;

private:
  using clock = std::chrono::steady_clock;
  using key = std::pair<task_key, std::int32_t>;

  struct job {
    attempt work;
    outcome_sink* sink;
    std::atomic<bool> cancelled = false;
    std::string reason;                     ///< guarded by mutex_
    std::optional<clock::time_point> began; ///< guarded by mutex_
  };
  using job_ptr = std::shared_ptr<job>;

  void add_thread();
  void run();
  void execute(const job_ptr& j);
  outcome call(const job& j) const;

  const function function_;
  const std::size_t most_threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job_ptr> queue_;
  std::map<key, job_ptr> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

function_handler::~function_handler() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    for (auto& [id, j] : jobs_)
      j->cancelled = true;
  }
  changed_.notify_all();
  for (auto& t : threads_)
    t.join();
}

void function_handler::start(attempt work, outcome_sink& sink) {
  auto j = std::make_shared<job>();
  const key id{work.task, work.number};
  j->work = std::move(work);
  j->sink = &sink;
  {
    const std::lock_guard guard(mutex_);
    if (idle_ <= queue_.size() && threads_.size() < most_threads_)
      add_thread();
    if (!threads_.empty()) {
      jobs_[id] = j;
      queue_.push_back(std::move(j));
      j = nullptr;
    }
  }
  if (!j)
    changed_.notify_one();
  else
    sink.report(id.first, id.second,
                outcome::failure("thread", "the system denies us a thread"),
                std::chrono::microseconds(0));
}

void function_handler::add_thread() {
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    // Those that there are do its work.
  }
}

void function_handler::cancel(task_key task, std::int32_t number,
                              const std::string& reason) {
  const key id{task, number};
  outcome_sink* waiting = nullptr;
  {
    const std::lock_guard guard(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end())
      return;
    const auto j = found->second;
    j->cancelled = true;
    j->reason = reason;
    if (!j->began) {
      waiting = j->sink;
      jobs_.erase(found);
      queue_.erase(std::find(queue_.begin(), queue_.end(), j));
    }
  }
  if (waiting)
    waiting->report(task, number,
                    outcome::failure(reason, "stopped before it began"),
                    std::chrono::microseconds(0));
}

std::optional<milliseconds> function_handler::running_for(task_key task,
                                                          std::int32_t number) {
  const std::lock_guard guard(mutex_);
  const auto found = jobs_.find({task, number});
  if (found == jobs_.end() || !found->second->began)
    return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(clock::now()
                                                  - *found->second->began);
}

std::vector<attempt_key> function_handler::withdraw_waiting() {
  const std::lock_guard guard(mutex_);
  std::vector<attempt_key> keys;
  for (const auto& j : queue_) {
    keys.emplace_back(j->work.task, j->work.number);
    jobs_.erase(keys.back());
  }
  queue_.clear();
  return keys;
}

void function_handler::run() {
  std::unique_lock guard(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_)
      return;
    const auto j = std::move(queue_.front());
    queue_.pop_front();
    j->began = clock::now();
    guard.unlock();
    execute(j);
    guard.lock();
  }
}

void function_handler::execute(const job_ptr& j) {
  auto result = call(*j);
  // Written once, by this thread.
  const auto busy = std::chrono::duration_cast<std::chrono::microseconds>(
    clock::now() - *j->began);
  {
    const std::lock_guard guard(mutex_);
    jobs_.erase({j->work.task, j->work.number});
    if (stopping_)
      return;
    // However a function that was asked to stop puts it: that is why it failed.
    if (!result.succeeded && !j->reason.empty())
      result.error_type = j->reason;
  }
  j->sink->report(j->work.task, j->work.number, std::move(result), busy);
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
    return outcome::failure("exception", "threw what is no std::exception");
  }
}

} // namespace

std::shared_ptr<handler>
make_function_handler(std::function<outcome(const task_context&)> f,
                      unsigned threads) {
  return std::make_shared<function_handler>(std::move(f), threads);
}

} // namespace conductor
