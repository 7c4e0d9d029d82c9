#include <algorithm>

#include <conductor/event_payload.hpp>

#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"
#include "store/sqlite/write/transaction.hpp"

/// Claims: the store picks what may be leased, and leases it.
namespace conductor::sqlite {

// -- where to look ------------------------------------------------------------

task_key claim_index::next(std::int64_t handler, task_key block) const {
  const auto found = handlers_.find(handler);
  if (found == handlers_.end() || found->second.blocks.empty())
    return 0;
  const auto& blocks = found->second.blocks;
  const auto place = blocks.upper_bound(block);
  return place == blocks.end() ? *blocks.begin() : *place;
}

task_key claim_index::last_served(std::int64_t handler) const {
  const auto found = handlers_.find(handler);
  return found == handlers_.end() ? 0 : found->second.last;
}

std::size_t claim_index::count(std::int64_t handler) const {
  const auto found = handlers_.find(handler);
  return found == handlers_.end() ? 0 : found->second.blocks.size();
}

void claim_index::load(database& db) {
  db.prepared(sql::claimable_blocks).each([this](statement& row) {
    add(row.integer(0), row.integer(1));
  });
}

// -- claiming -----------------------------------------------------------------

void transaction::apply_part(const claim_tasks& c) {
  auto left = c.limit;
  for (const auto& room : c.rooms) {
    const auto handler = find_handler(room.handler);
    auto wanted = std::min(left, room.tasks);
    if (room.parent != 0) {
      if (const auto* parent = find_parent(room.parent);
          parent && parent->expanded > 0 && wanted > 0)
        left -= claim_from(handler, parent->base, wanted);
      continue;
    }
    auto block = cache_.claims.last_served(handler);
    // Each block once; those that turn out to be empty leave the index.
    for (auto blocks = cache_.claims.count(handler); blocks > 0 && wanted > 0;
         --blocks) {
      block = cache_.claims.next(handler, block);
      const auto got = claim_from(handler, block, wanted);
      if (got > 0)
        cache_.claims.served(handler, block);
      wanted -= got;
      left -= got;
    }
  }
}

/// Rows with at least `tasks` claimable tasks of a handler in a block, or all.
std::vector<segment_row> transaction::claimable(std::int64_t handler,
                                                task_key block,
                                                std::int64_t tasks) {
  std::vector<segment_row> rows;
  task_key last = 0;
  // Rows mostly hold a whole page of tasks; where they do not, many are needed.
  for (std::size_t limit = 2; tasks > 0; limit = 64) {
    const auto before = rows.size();
    db_.prepared(sql::claimable_segments)
      .each([&](statement& row) { rows.push_back(to_segment(row)); }, handler,
            block, at_, last, static_cast<std::int64_t>(limit));
    for (auto i = before; i < rows.size(); ++i)
      tasks -= rows[i].tasks.tasks.count;
    if (rows.size() - before < limit)
      break;
    last = rows.back().tasks.tasks.first;
  }
  return rows;
}

/// Leases up to `room` tasks of a handler in a block; returns how many.
std::int64_t transaction::claim_from(std::int64_t handler, task_key block,
                                     std::int64_t room) {
  const auto* where = block_of(block);
  auto* run = where ? find_run(where->run) : nullptr;
  if (!run || settled(run->record.state))
    return 0;
  if (where->parent != 0) {
    const auto* parent = find_parent(where->parent);
    if (!parent || parent->state != task_state::pending)
      return 0;
    if (const auto bound = bound_of(where->parent).max_concurrency; bound > 0)
      room = std::min(room, bound - parent->children.running);
    if (room <= 0)
      return 0;
  }
  const auto rows = claimable(handler, block, room);
  std::int64_t found = 0;
  for (const auto& row : rows)
    found += row.tasks.tasks.count;
  if (rows.empty()) {
    cache_.claims.remove(handler, block);
    return 0;
  }
  const auto tasks = std::min(found, room);
  lease(rows, tasks);
  return tasks;
}

namespace {

/// Whether tasks of `s` may join a group that ends before them.
bool joins(const task_group& g, const task_segment& s) {
  return g.tasks.end() == s.tasks.first && g.attempt == s.attempt
         && g.retry_count == s.retry_count && g.lost_count == s.lost_count
         && g.tasks.count < max_span;
}

} // namespace

/// Leases the first `tasks` tasks of the rows. Rows keep their place: what is
/// left of the last one becomes a row of its own.
void transaction::lease(const std::vector<segment_row>& rows,
                        std::int64_t tasks) {
  const auto& where = *block_of(rows.front().block);
  std::vector<task_group> groups;
  for (auto row : rows) {
    const auto n = std::min(tasks, row.tasks.tasks.count);
    if (n == 0)
      break;
    tasks -= n;
    auto rest = row;
    rest.tasks.tasks = {row.tasks.tasks.first + n, row.tasks.tasks.count - n};
    row.tasks.tasks.count = n;
    for (auto part = row.tasks; part.tasks.count > 0;) {
      if (groups.empty() || !joins(groups.back(), part))
        groups.push_back({.run = where.run,
                          .parent = where.parent,
                          .tasks = {part.tasks.first, 0},
                          .state = task_state::running,
                          .attempt = part.attempt,
                          .retry_count = part.retry_count,
                          .lost_count = part.lost_count});
      auto& group = groups.back();
      const auto taken
        = std::min(part.tasks.count, max_span - group.tasks.count);
      group.tasks.count += taken;
      part.tasks = {part.tasks.first + taken, part.tasks.count - taken};
    }
    const move_tasks leased{.to = task_state::running};
    row.tasks = apply_move(row.tasks, leased, at_, epoch_, true);
    update_segment(db_, row);
    if (rest.tasks.tasks.count > 0)
      insert_segment(db_, rest);
  }
  for (auto& group : groups) {
    ++group.attempt;
    grant(group);
  }
}

void transaction::grant(const task_group& group) {
  auto& run = *find_run(group.run);
  if (run.record.state == run_state::pending)
    move(run, start_of_run(group.run));
  const auto n = group.tasks.count;
  if (group.parent != 0)
    count_children(*find_parent(group.parent, true), task_state::pending,
                   task_state::running, n);
  begin_pass(group.run);
  scope_.reply.tasks_changed += n;
  write_event(run, group.tasks, task_started(group.attempt));
  fact_.moves.push_back({group.run, group.parent, group.tasks,
                         task_state::pending, task_state::running,
                         group.attempt, no_time});
  scope_.reply.granted.push_back(group);
}

} // namespace conductor::sqlite
