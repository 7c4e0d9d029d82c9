#pragma once

#include <functional>
#include <memory>
#include <string>

#include <conductor/builtin_handlers.hpp>
#include <conductor/error.hpp>
#include <conductor/handler.hpp>
#include <conductor/options.hpp>
#include <conductor/report.hpp>
#include <conductor/roles.hpp>
#include <conductor/run_spec.hpp>
#include <conductor/store.hpp>
#include <conductor/task_context.hpp>

namespace caf {
class actor_system;
}

namespace conductor {

/// The actors of a running engine, for hosts that talk to them in messages.
struct engine_actors {
  persistence_actor persistence;
  event_hub_actor hub;
  role_actor fanout, aggregate, retry;
  executor_actor executor;
  monitor_actor monitor;
};

/// The engine on one database: open, handle, submit, wait, report, stop.
///
/// Thread-safe but for `handle`, `start` and `stop`. It never parses
/// arguments, installs signal handlers, logs or exits. Destruction stops it.
class engine {
public:
  /// Opens (and creates, or migrates) the database and takes its engine lock.
  /// Errors: locked, not_ours, too_new, corrupt, full, io, invalid.
  static result<engine> open(const options& opts);
  /// The same inside a host's actor system; `register_types` must have been
  /// called on its config.
  static result<engine> open(const options& opts, caf::actor_system& host);

  engine(engine&&) noexcept;
  engine& operator=(engine&&) noexcept;
  ~engine();

  /// Registers a handler before the engine starts. `exec`, `noop`, `sleep` and
  /// `fail` are there already.
  void handle(const std::string& name,
              std::function<outcome(const task_context&)> work);
  void handle(const std::string& name, std::shared_ptr<handler> work);

  /// Starts to work on what the database holds. `submit` and `wait` start the
  /// engine if need be.
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

  /// Gives what did not succeed in a settled run one more try: FAILED and
  /// CANCELLED leaves that match, with the parents above them and the run.
  /// Returns how many leaves. Errors: not_found, conflict (the run has not
  /// ended, or SUCCEEDED).
  result<std::int64_t> retry(const std::string& run_id,
                             const task_filter& which = {},
                             const std::string& error_type = {});

  /// Waits until a run is settled and says how. Errors: timeout, not_found,
  /// stopped, or what has become of the storage.
  result<run_state> wait(const std::string& run_id,
                         milliseconds timeout = milliseconds::max());

  /// How a run stands. Errors: not_found, io.
  result<run_summary> report(const std::string& run_id);
  /// How the engine is.
  result<health_report> health();

  /// Calls `each` for every event of a run ("" = of all) with seq > after, in
  /// order, from a thread of the actor system, until the engine stops. A slow
  /// callback lags; it costs the engine nothing.
  void subscribe(std::function<void(const event_record&)> each,
                 const std::string& run_id = {}, event_seq after = 0);

  /// Stops: no new work is taken, leased work may end within `patience`.
  /// Returns the number of attempts that were given up; they are taken up
  /// again by the next engine. A further call, which may come from another
  /// thread, returns 0 at once, and the first one waits as long as it says.
  std::int64_t stop(milliseconds patience = milliseconds{10'000});

  /// Set while the storage takes no writes (disk full), or for ever if it is
  /// lost.
  storage_state storage() const;

  /// What the engine has counted of itself since it was opened.
  const engine_metrics& metrics() const;
  /// Whether a handler of this name is registered.
  bool has_handler(const std::string& name) const;

  /// A reader of its own beside the engine, for one thread.
  std::unique_ptr<store_reader> open_reader() const;
  /// What definitions are checked against: the handlers of this engine.
  definition_context context(const std::string& directory) const;
  const engine_actors& actors() const;

private:
  struct impl;
  explicit engine(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace conductor
