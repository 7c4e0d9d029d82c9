#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include <conductor/run_spec.hpp>

#include "store/sqlite/connection/database.hpp"

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

/// Where tasks may be claimed: for each handler the blocks that may have
/// claimable tasks, and the one that was served last. A hint: a block that has
/// none any more is removed when that is found out.
class claim_index {
public:
  void add(std::int64_t handler, task_key block) {
    handlers_[handler].blocks.insert(block);
  }
  void remove(std::int64_t handler, task_key block) {
    handlers_[handler].blocks.erase(block);
  }
  void served(std::int64_t handler, task_key block) {
    handlers_[handler].last = block;
  }
  /// The next block in turn after `block`, wrapping around; 0 if there is
  /// none. A walk begins with `last_served` and ends when it comes back.
  task_key next(std::int64_t handler, task_key block) const;
  task_key last_served(std::int64_t handler) const;
  std::size_t count(std::int64_t handler) const;
  /// Adds all blocks with claimable tasks in the database.
  void load(database& db);

private:
  struct entry {
    std::set<task_key> blocks;
    task_key last = 0;
  };
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

  bool stale = false; ///< a transaction failed: it may name what is not there

  /// Drops what the failed transaction may have brought and finds the
  /// claimable blocks again. The turns of the handlers stay.
  void renew(database& db) {
    auto kept = std::move(claims);
    *this = {};
    claims = std::move(kept);
    claims.load(db);
  }
};

} // namespace conductor::sqlite
