#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "actors/engine/handler_registry.hpp"
#include "actors/engine/parts.hpp"
#include "actors/engine/run_watch.hpp"

namespace conductor {

/// Where the actors of an engine run.
struct placements {
  placement front = placement::shared;  ///< never blocks
  placement writer = placement::shared; ///< waits for the disk
  placement roles = placement::shared;  ///< short reads
  /// Long reads, files, and the callbacks of subscribers.
  placement readers = placement::own_thread;
};

/// Has a change set committed. Blocks; the reply has an error if there is no
/// writer any more.
commit_reply commit_and_wait(const persistence_actor& writer,
                             change_set changes);

/// State that the actors of an engine and the threads outside of the actor
/// system share. It outlives the actors, and their system.
class engine_core : public std::enable_shared_from_this<engine_core> {
public:
  engine_core(options o, clock_fn now, const std::shared_ptr<store>& db,
              handler_map work, placements threads, bool by_steps = false)
    : opts(std::move(o)), clock(std::move(now)), where(threads),
      stepwise(by_steps), epoch(db->epoch()), handlers(std::move(work)),
      db_(db) {}

  const options opts;
  const clock_fn clock;
  const placements where;
  /// True for a coordinator, whose tasks may be settled by hand: handlers need
  /// not exist, and to expand a fan-out is a step of its own.
  const bool stepwise;
  const std::int64_t epoch; ///< of this opening of the store
  const std::shared_ptr<engine_metrics> metrics
    = std::make_shared<engine_metrics>();
  /// Outlives the handlers, which report to it from threads of their own.
  const std::shared_ptr<outcome_queue> outcomes = make_outcome_queue();
  const std::shared_ptr<run_watch> watch = std::make_shared<run_watch>();
  handler_registry handlers;
  /// Set when the engine begins to stop.
  std::atomic<bool> stopping = false;

  /// A new reader. Throws `store_error` once the store is closed.
  std::unique_ptr<store_reader> open_reader() const;
  reader_factory readers() const;

  /// A run by its id, by a reader that all callers share: to open one costs
  /// more than a short run. Throws `store_error`.
  std::optional<run_record> look_up(const std::string& run_id);
  /// The last connection that closes a database tidies it up, and that should
  /// be the writer's.
  void close_shared_reader();

  /// Returns the limits and handlers that definitions in this directory are
  /// checked against.
  definition_context definitions(const std::string& directory) const;
  /// Returns the same for submissions without a directory of their own.
  definition_context definitions() const;

  /// Small fan-outs, of up to so many children in all, come with their
  /// submission; negative = none.
  std::int64_t expand_up_to() const { return stepwise ? -1 : opts.fanout_page; }

private:
  /// The writer owns the store: it is closed when the writer ends.
  const std::weak_ptr<store> db_;
  std::mutex looking_; ///< guards `reader_`
  std::unique_ptr<store_reader> reader_;
};

} // namespace conductor
