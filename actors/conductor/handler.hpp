#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>
#include <conductor/outcome.hpp>
#include <conductor/records.hpp>
#include <conductor/time.hpp>

/// Handlers execute leaves. An executor starts attempts; the handler reports an
/// outcome for each, from any thread and in any order.
namespace conductor {

/// Names one attempt of a task.
struct attempt_key {
  task_key task = 0;
  std::int32_t number = 1;

  friend auto operator<=>(const attempt_key&, const attempt_key&) = default;
};

/// One leased attempt of a leaf. Immutable; safe to share between threads.
struct attempt {
  std::shared_ptr<const task_template> origin;
  task_key task = 0;
  task_key parent = 0;
  std::int64_t index = 0;  ///< 1-based; 0 for a top-level leaf
  std::int32_t number = 1; ///< of this attempt
  std::string item;        ///< JSON text; empty for a top-level leaf
  id_space ids;            ///< of the database, for `task_id`

  /// The public id. A text is made by each call.
  std::string task_id() const;
  /// "hash#12"; a top-level leaf has its plain name.
  std::string name() const;
  attempt_key key() const { return {task, number}; }
  /// The task's input: the origin's without `fanout`, with `index` and `item`
  /// for a child.
  json input() const;
};

/// When a handler executed an attempt, by a clock that never jumps. The time
/// during which the attempt waited within the handler does not count.
struct execution_time {
  using clock = std::chrono::steady_clock;

  /// When the function, process or sleep really began; none if it never did.
  std::optional<clock::time_point> began;
  /// From then to its end.
  std::chrono::microseconds busy{0};

  /// For work that began at `began` and ends now.
  static execution_time since(clock::time_point began);
};

/// Receives the outcomes of attempts. Thread-safe, never blocks for long.
class outcome_sink {
public:
  virtual ~outcome_sink() = default;
  /// An attempt has ended.
  virtual void report(attempt_key which, outcome result, execution_time ran)
    = 0;
};

/// Why an attempt is asked to stop.
enum class stop_reason : std::uint8_t { timeout, cancelled, shutdown };
/// "timeout", "cancelled", "shutdown": the error type of the attempt.
const char* to_string(stop_reason reason);

/// How an executor has to treat a handler.
struct handler_traits {
  /// The handler bounds its own concurrency: attempts beyond its slots wait
  /// within, so that the next one starts without a round trip.
  bool queues = false;
  /// The handler times out its attempts itself, from their real beginning.
  bool own_timeout = false;
  /// `start` reports before it returns: attempts never wait and need no slots.
  bool immediate = false;
};

/// A kind of handler. The executor calls `start`, `stop`, `began_at` and
/// `withdraw` from one thread; they must return quickly. Every started attempt
/// is reported exactly once, also after `stop`, unless it is withdrawn. The
/// destructor stops what still runs (processes are killed) and reports nothing
/// more.
class handler {
public:
  using time_point = execution_time::clock::time_point;

  virtual ~handler() = default;
  virtual handler_traits traits() const { return {}; }
  /// The errors of an input, at submission; paths such as "/input/argv".
  virtual std::vector<definition_error> check(const json& input) const;
  virtual void start(attempt work, outcome_sink& sink) = 0;
  /// Asks a started attempt to stop soon; the attempt still reports. Unknown
  /// attempts are ignored. By default attempts cannot be stopped.
  virtual void stop(attempt_key which, stop_reason reason);
  /// When a started attempt really began; none while it waits within. Asked
  /// only of handlers that have `queues` and not `own_timeout`.
  virtual std::optional<time_point> began_at(attempt_key which);
  /// Takes back the attempts that still wait within and were started before
  /// the given time: they are neither executed nor reported. By default
  /// nothing waits.
  virtual std::vector<attempt_key> withdraw(time_point started_before
                                            = time_point::max());
};

} // namespace conductor
