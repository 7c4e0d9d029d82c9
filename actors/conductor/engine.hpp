#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/control.hpp>
#include <conductor/error.hpp>
#include <conductor/event.hpp>
#include <conductor/options.hpp>
#include <conductor/outcome.hpp>
#include <conductor/report.hpp>
#include <conductor/run_spec.hpp>
#include <conductor/storage_state.hpp>
#include <conductor/task_context.hpp>

namespace caf {
class actor_system;
}

namespace conductor {

class callback_gate;
class engine_metrics;
class handler;
class store;
class store_reader;
struct definition_context;
struct engine_actors;

/// Which of the tasks that did not succeed get another try.
struct retry_filter {
  std::vector<task_state> states; ///< empty = FAILED and CANCELLED
  std::string name;               ///< glob pattern; empty = any
  std::string error;              ///< type of the last error; empty = any
  friend bool operator==(const retry_filter&, const retry_filter&) = default;
};

/// The callbacks of one subscriber. They end with this object, or when `end` is
/// called, or with the engine, whatever comes first; it may outlive the engine.
class [[nodiscard]] subscription {
public:
  subscription() = default;
  explicit subscription(std::shared_ptr<callback_gate> gate);
  subscription(subscription&&) noexcept;
  subscription& operator=(subscription&&) noexcept;
  ~subscription();

  /// When this returns the callback is not running and is not called again.
  /// Within the callback it returns at once, and this call is the last.
  void end();

private:
  std::shared_ptr<callback_gate> gate_;
};

/// The engine on one store: open, handle, submit, wait, report, stop.
///
/// Thread-safe, except for construction, move and destruction. Expected errors
/// are values. The engine never parses arguments, installs signal handlers,
/// writes logs or exits. Destruction stops it.
///
/// Include `<conductor/actors.hpp>` to talk to it in CAF messages,
/// `<conductor/store.hpp>` for its reader, `<conductor/metrics.hpp>` for its
/// metrics, `<conductor/handler.hpp>` for handlers that are more than
/// functions.
class engine {
public:
  /// Opens (and creates, or migrates) the database and takes its engine lock.
  /// Errors: locked, not_ours, too_new, corrupt, full, io, invalid.
  static result<engine> open(const options& opts);
  /// An engine on a store of any kind (`open_store`).
  static result<engine> open(const options& opts, std::unique_ptr<store> db);
  /// The same inside a host's actor system; `register_types` must have been
  /// called on its config. The actors have threads of their own, so that they
  /// neither block the host's workers nor wait for them. When the host's system
  /// ends before the engine, the engine stops as by `stop(0ms)`.
  static result<engine> open(const options& opts, caf::actor_system& host);
  static result<engine> open(const options& opts, std::unique_ptr<store> db,
                             caf::actor_system& host);

  engine(engine&&) noexcept;
  engine& operator=(engine&&) noexcept;
  ~engine();

  /// Registers a handler before the engine starts. `exec`, `noop`, `sleep` and
  /// `fail` are there already. Errors: conflict, once the engine has started.
  result<void> handle(const std::string& name,
                      std::function<outcome(const task_context&)> work);
  result<void> handle(const std::string& name, std::shared_ptr<handler> work);

  /// Starts to work on what the database holds. `submit` and `wait` start the
  /// engine if need be. With `options::work` = false nothing starts it.
  void start();

  /// Accepts a run: when this returns it is on disk. Errors: invalid (names
  /// the place), overloaded, full, stopped.
  result<submitted_run> submit(const run_spec& spec);

  /// Writes a list of items (JSON texts) to the database, as the fan-out of a
  /// task that is submitted next. `produce` calls its argument with each item
  /// and returns the first error. A list that no run uses is removed when an
  /// engine next opens the database. Errors: those of `produce`, invalid, and
  /// those of `submit`.
  result<fanout_source> write_items(
    const std::function<error(const std::function<error(const std::string&)>&)>&
      produce);

  /// Cancels, pauses, continues or changes a run, or all of them. The reply
  /// comes after the commit; what is cancelled then ends step by step. Errors:
  /// not_found, conflict (it has settled), invalid.
  result<change_reply> change(const run_change& asked);
  /// Cancels or changes a task, as above.
  result<change_reply> change(const task_change& asked);
  /// Gives the tasks that did not succeed in a settled run another try: FAILED
  /// and CANCELLED leaves that match, the parents above them, the tasks that
  /// were skipped because of them, and the run. With `dry_run` nothing is
  /// changed. Errors: not_found, conflict (the run has not ended, or
  /// SUCCEEDED).
  result<retry_reply> retry(const std::string& run_id,
                            const retry_filter& which = {},
                            bool dry_run = false);

  /// Waits until a run is settled and returns its state. Errors: timeout,
  /// not_found, stopped, the error of a lost storage; conflict, if this engine
  /// does not work on runs.
  result<run_state> wait(const std::string& run_id,
                         milliseconds timeout = milliseconds::max());

  /// The state of a run in numbers. Errors: not_found, io, stopped.
  result<run_summary> report(const std::string& run_id);
  /// The health of the engine and its database. Errors: io, stopped.
  result<health_report> health();

  /// Calls `each` for every event of a run ("" = of all runs) with seq > after,
  /// in order, until the subscription or the engine ends. Each subscription has
  /// a thread of its own: a slow callback lags and costs the engine nothing. A
  /// callback that throws ends its subscription. Errors: not_found, io,
  /// stopped.
  result<subscription> subscribe(std::function<void(const event_record&)> each,
                                 const std::string& run_id = {},
                                 event_seq after = 0);

  /// Stops: no new work is taken, leased work may end within `patience`.
  /// Returns the number of attempts that were given up; the next engine takes
  /// them up again. A further call, which may come from another thread, returns
  /// 0 immediately, and the first one waits no longer than it says.
  std::int64_t stop(milliseconds patience = milliseconds{10'000});

  /// Not writable while the storage takes no writes (disk full); lost once the
  /// engine has ended, with the reason.
  storage_state storage() const;

  /// What the engine has counted of itself since it was opened.
  const engine_metrics& metrics() const;
  /// Whether a handler of this name is registered.
  bool has_handler(const std::string& name) const;

  /// A reader beside the engine, for one thread. Errors: io, stopped.
  result<std::unique_ptr<store_reader>> open_reader() const;
  /// What definitions are checked against: the handlers of this engine.
  definition_context context(const std::string& directory) const;
  /// For hosts that talk to the engine in messages.
  const engine_actors& actors() const;

private:
  class impl;
  explicit engine(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace conductor
