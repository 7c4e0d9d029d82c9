#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <conductor/handler.hpp>

/// What the tests of handlers share.
namespace probe {

/// Keeps what is reported, and lets a test wait for it.
class sink : public conductor::outcome_sink {
public:
  void report(conductor::attempt_key which, conductor::outcome result,
              conductor::execution_time ran) override {
    const std::lock_guard guard(mutex_);
    ++reports_;
    outcomes_[which] = std::move(result);
    times_[which] = ran;
    changed_.notify_all();
  }

  bool wait_for(std::size_t reports) {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, std::chrono::seconds(120),
                             [&] { return reports_ >= reports; });
  }

  std::size_t reports() {
    const std::lock_guard guard(mutex_);
    return reports_;
  }

  conductor::outcome outcome_of(conductor::task_key task,
                                std::int32_t attempt = 1) {
    const std::lock_guard guard(mutex_);
    return outcomes_[{task, attempt}];
  }

  conductor::execution_time time_of(conductor::task_key task,
                                    std::int32_t attempt = 1) {
    const std::lock_guard guard(mutex_);
    return times_[{task, attempt}];
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<conductor::attempt_key, conductor::outcome> outcomes_;
  std::map<conductor::attempt_key, conductor::execution_time> times_;
  std::size_t reports_ = 0;
};

/// What tasks with this input come from.
inline std::shared_ptr<conductor::task_template>
origin(const conductor::json& input) {
  auto made = std::make_shared<conductor::task_template>();
  made->run_id = "01RUN";
  made->spec.name = "job";
  made->spec.input = conductor::dump(input);
  return made;
}

/// A child of a fan-out.
inline conductor::attempt child(std::shared_ptr<conductor::task_template> from,
                                std::int64_t index, std::string item) {
  conductor::attempt made;
  made.origin = std::move(from);
  made.task = 100 + index;
  made.parent = 100;
  made.index = index;
  made.item = std::move(item);
  return made;
}

/// A task that is nobody's child.
inline conductor::attempt leaf(std::shared_ptr<conductor::task_template> from) {
  conductor::attempt made;
  made.origin = std::move(from);
  made.task = 100;
  return made;
}

} // namespace probe
