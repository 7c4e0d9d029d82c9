#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>
#include <conductor/records.hpp>
#include <conductor/time.hpp>

/// Handlers execute leaves. An executor gives a handler attempts, the handler
/// reports an outcome for each, from any thread, in any order.
namespace conductor {

/// How an attempt ended.
struct outcome {
  bool succeeded = true;
  /// JSON text; empty = none. A function that gives something else has failed
  /// with the type "output".
  std::string output;
  std::string error_type;    ///< of a failure, e.g. "exit"
  std::string error_message; ///< of a failure, for people
  json error_details;        ///< further members of `last_error`; or null
  bool retryable = true;     ///< of a failure
  std::optional<milliseconds> retry_after; ///< instead of the policy's delay

  static outcome success(std::string output_json = {});
  static outcome failure(std::string type, std::string message);
};

/// One leased attempt of a leaf. Immutable; safe to share between threads.
struct attempt {
  std::shared_ptr<const task_origin> origin;
  std::string task_id;
  task_key task = 0;
  task_key parent = 0;
  std::int64_t index = 0;  ///< 1-based; 0 for a top-level leaf
  std::int32_t number = 1; ///< of this attempt
  std::string item;        ///< JSON text; empty for a top-level leaf

  /// "hash#12"; a top-level leaf has its plain name.
  std::string name() const;
  /// The task's input: the origin's without `fanout`, with `index` and `item`
  /// for a child.
  json input() const;
};

/// A task and the number of one of its attempts.
using attempt_key = std::pair<task_key, std::int32_t>;

/// Where handlers report. Thread-safe, never blocks for long.
class outcome_sink {
public:
  virtual ~outcome_sink() = default;
  /// The end of one attempt. `busy` is how long it took to execute.
  virtual void report(task_key task, std::int32_t attempt, outcome result,
                      std::chrono::microseconds busy)
    = 0;
};

/// What the executor must know of a handler to give it the right amount.
struct handler_traits {
  /// It bounds its own concurrency: attempts beyond the slots wait within, so
  /// that the next one starts without a round trip.
  bool queues = false;
  /// It times out its attempts itself, from the moment they really start.
  bool own_timeout = false;
};

/// A kind of handler. `start` is called from the executor's thread and must
/// return at once; each attempt must be reported exactly once, also after
/// `cancel`. The destructor stops what still runs (processes are killed) and
/// reports nothing more.
class handler {
public:
  virtual ~handler() = default;
  virtual handler_traits traits() const { return {}; }
  /// What is wrong with an input, at submission; paths such as "/input/argv".
  virtual std::vector<definition_error> check(const json& input) const;
  virtual void start(attempt work, outcome_sink& sink) = 0;
  /// Asks a started attempt to stop soon (timeout, cancel, shutdown). `reason`
  /// is "timeout", "cancelled" or "shutdown"; the attempt still reports.
  virtual void cancel(task_key task, std::int32_t attempt,
                      const std::string& reason);
  /// How long a started attempt has been executed; 0 while it waits for its
  /// turn within. None if the handler does not know: then it began at once.
  virtual std::optional<milliseconds> running_for(task_key task,
                                                  std::int32_t attempt);
  /// Takes back all attempts that wait for their turn within: they will be
  /// neither executed nor reported.
  virtual std::vector<attempt_key> withdraw_waiting();
};

} // namespace conductor
