#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/ids.hpp>
#include <conductor/inspect.hpp>
#include <conductor/policy.hpp>

namespace conductor {

/// Where the children of a parent come from.
enum class source_kind : std::uint8_t {
  none,  ///< no fan-out: the task is a leaf
  count, ///< N children; item = index
  range, ///< from, from + step, … up to and including `to`
  items, ///< a JSON array in the definition, one child an element
  lines, ///< a text file, one child a line
  glob,  ///< file names that match a pattern, sorted
  list,  ///< a list that is in the database already
};

struct fanout_source {
  source_kind kind = source_kind::none;
  std::int64_t count = 0; ///< `count`, and the length once known
  std::int64_t from = 0, to = 0, step = 1; ///< `range`
  std::vector<std::string> items;          ///< `items`: JSON texts
  std::string path;                        ///< `lines`: file; `glob`: pattern
  list_key list = 0; ///< `list`: its key, of `count` items

  CONDUCTOR_MESSAGE(fanout_source, x.kind, x.count, x.from, x.to, x.step,
                    x.items, x.path, x.list)
};

/// In which state every task that another one names must have settled.
enum class condition : std::uint8_t { succeeded, settled, failed };

/// A time, or a duration from the submission of a run; neither = none.
struct moment {
  milliseconds delay{0};
  timestamp at{};

  bool is_set() const { return delay.count() > 0 || at != no_time; }
  /// The time meant, for a run that was submitted at `submitted`.
  timestamp from(timestamp submitted) const {
    return delay.count() > 0 ? submitted + delay : at;
  }
  CONDUCTOR_MESSAGE(moment, x.delay, x.at)
};

/// 1 is the first to be served, 5 the last.
inline constexpr std::int32_t first_priority = 1, last_priority = 5,
                              default_priority = 3;

enum class on_failure : std::uint8_t { wait, fail_fast };
enum class collect : std::uint8_t { none, outputs };

/// One task of a run as it was asked for.
struct task_spec {
  std::string name;
  std::string handler;
  /// Absolute; where processes start and what relative paths are relative to.
  std::string directory;
  std::string input = "{}"; ///< JSON object as written, with its `fanout`
  fanout_source fanout;
  retry_policy retry;
  milliseconds timeout{0};          ///< of one attempt; 0 = none
  std::int64_t max_concurrency = 0; ///< children leased at once; 0 = no bound
  count_or_percent tolerate;
  conductor::on_failure on_failure = conductor::on_failure::wait;
  conductor::collect collect = conductor::collect::none;
  /// Names of top-level tasks that must have settled as `when` says.
  std::vector<std::string> after;
  condition when = condition::succeeded;
  moment not_before;         ///< it is neither leased nor fanned out earlier
  std::int32_t priority = 0; ///< 0 = the run's

  bool is_parent() const { return fanout.kind != source_kind::none; }
  CONDUCTOR_MESSAGE(task_spec, x.name, x.handler, x.directory, x.input,
                    x.fanout, x.retry, x.timeout, x.max_concurrency, x.tolerate,
                    x.on_failure, x.collect, x.after, x.when, x.not_before,
                    x.priority)
};

/// One run as it was asked for. Built by hand (fluent form below) or read from
/// a definition (`<conductor/definition.hpp>`).
struct run_spec {
  std::string name;
  std::string meta = "{}"; ///< JSON object
  std::string idempotency_key;
  /// At most so many retries in the whole run; negative = no bound.
  count_or_percent retry_budget{-1, 0};
  moment deadline; ///< what has not settled by then is ended
  std::int32_t priority = default_priority;
  std::vector<task_spec> tasks;
  /// Set by a call that shapes a task before there is one; such a spec is
  /// refused when it is submitted.
  std::string misuse;

  run_spec() = default;
  explicit run_spec(std::string run_name) : name(std::move(run_name)) {}

  /// Adds a task handled by `handler`; the calls that follow shape it. A call
  /// that comes before the first task is an error, reported by `submit`.
  run_spec& task(std::string handler, std::string task_name = {});
  run_spec& fanout(std::int64_t count);
  run_spec& fanout(std::vector<std::string> json_items);
  run_spec& input(std::string json_object);
  run_spec& max_retries(std::int32_t n);
  run_spec& retry(retry_policy policy);
  run_spec& max_concurrency(std::int64_t n);
  /// The task waits for the named ones; may be called several times.
  run_spec& after(std::string task_name);
  run_spec& when(condition c);
  run_spec& not_before(moment m);
  run_spec& task_priority(std::int32_t p);

  CONDUCTOR_MESSAGE(run_spec, x.name, x.meta, x.idempotency_key, x.retry_budget,
                    x.deadline, x.priority, x.tasks, x.misuse)

private:
  task_spec* last_task(const char* call);
};

} // namespace conductor
