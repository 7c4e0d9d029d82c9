#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include <conductor/run_spec.hpp>

#include "store/claim_turns.hpp"
#include "store/sqlite/connection/database.hpp"
#include "store/sqlite/statements/sql.hpp"

namespace conductor::sqlite {

/// The next free numbers, and the time of the latest commit; they move only
/// with a commit.
struct counters {
  run_key run = 1;
  task_key task = 1;
  event_seq seq = 1;
  list_key list = 1;
  std::uint64_t commits = 0;
  timestamp latest{};
};

/// Where tasks of each handler may be claimed, and whose turn it is. A hint: a
/// place without claimable tasks is removed when that is found out.
class claim_index {
public:
  struct entry {
    claim_places places;
    claim_turns turns;
  };

  /// `priority`: what the tasks go by, their own or their run's.
  void add(std::int64_t handler, std::int32_t priority, run_key run,
           claim_place place) {
    handlers_[handler].places[static_cast<std::size_t>(priority)][run].insert(
      place);
  }
  void remove(std::int64_t handler, std::int32_t priority, run_key run,
              claim_place place);
  /// Removes all places of a run.
  void remove_run(run_key run);
  entry& of(std::int64_t handler) { return handlers_[handler]; }
  /// Finds all places in the database; the turns stay.
  void load(database& db);

private:
  std::map<std::int64_t, entry> handlers_;
};

/// What a block's row says.
struct block_row {
  run_key run = 0;
  task_key parent = 0;
};

/// What of a parent's row and definition claims go by.
struct parent_bound {
  std::int64_t max_concurrency = 0; ///< 0 = no bound
  std::int64_t handler = 0;         ///< of the children
  std::int32_t priority = 0;        ///< of the children; 0 = the run's
};

/// What the writer remembers of rows that never change, and of where tasks may
/// be claimed. Forgotten when a transaction fails: it may name rows that were
/// rolled back.
struct writer_cache {
  std::map<std::string, std::int64_t> handlers;
  std::unordered_map<task_key, block_row> blocks;
  std::unordered_map<task_key, parent_bound> bounds;
  /// The definition that was used last: batches of equal runs are common.
  task_spec last_spec;
  std::int64_t last_definition = 0, last_handler = 0;
  claim_index claims;
  bool all_paused = false; ///< new runs are paused

  bool stale = false; ///< a transaction failed: it may name what is not there

  /// Drops what the failed transaction may have brought and finds the
  /// claimable blocks again. The turns of the handlers stay.
  void renew(database& db) {
    auto kept = std::move(claims);
    *this = {};
    claims = std::move(kept);
    load(db);
  }

  /// Reads what is needed from the beginning.
  void load(database& db) {
    claims.load(db);
    all_paused = db.number(sql::engine_paused) != 0;
  }
};

} // namespace conductor::sqlite
