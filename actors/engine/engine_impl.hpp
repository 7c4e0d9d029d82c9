#pragma once

#include <atomic>
#include <mutex>

#include <caf/all.hpp>

#include <conductor/engine.hpp>

#include "actors/engine/engine_clock.hpp"
#include "actors/engine/run_watch.hpp"

namespace conductor {

/// The actors, and where threads outside of them wait.
struct engine::impl {
  options opts;
  std::unique_ptr<caf::actor_system_config> config; ///< of a system of our own
  std::unique_ptr<caf::actor_system> own_system;
  caf::actor_system* system = nullptr;
  std::shared_ptr<store> db;
  std::shared_ptr<engine_clock> clock;
  /// Outlives the handlers, which report to it from their own threads.
  std::shared_ptr<outcome_queue> outcomes = make_outcome_queue();
  std::shared_ptr<engine_metrics> metrics = std::make_shared<engine_metrics>();
  handler_map handlers;
  engine_actors actors;
  fact_listener watcher;
  std::vector<event_subscriber> subscribers;
  std::shared_ptr<run_watch> watch = std::make_shared<run_watch>();
  std::mutex looking; ///< guards `reader`
  std::unique_ptr<store_reader> reader;
  std::mutex turning; ///< guards the two transitions
  bool started = false;
  std::atomic<bool> stopped = false;

  /// Opens the database, and spawns nothing yet.
  static result<std::unique_ptr<impl>> open(const options& opts,
                                            caf::actor_system& host);
  /// The same with a system of its own.
  static result<std::unique_ptr<impl>> open(const options& opts);

  void spawn_writer();
  void spawn_roles();
  void subscribe(std::function<void(const event_record&)> each, run_key run,
                 event_seq after);
  std::int64_t stop(milliseconds patience);

  std::function<std::unique_ptr<store_reader>()> reader_factory() const;
  /// Looks a run up, by the reader that all callers share: opening one costs
  /// more than a short run.
  std::optional<run_record> look_up(const std::string& run_id);
  /// Asks the writer, and waits for its answer.
  commit_reply commit(change_set changes);
};

} // namespace conductor
