#include <algorithm>

#include <conductor/event_payload.hpp>

#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"
#include "store/sqlite/write/transaction.hpp"

/// Claims: the store picks what may be leased, and leases it.
namespace conductor::sqlite {

// -- where to look ------------------------------------------------------------

void claim_index::remove(std::int64_t handler, std::int32_t priority,
                         run_key run, claim_place place) {
  auto& runs = of(handler).places[static_cast<std::size_t>(priority)];
  const auto found = runs.find(run);
  if (found == runs.end())
    return;
  found->second.erase(place);
  if (found->second.empty())
    runs.erase(found);
}

void claim_index::remove_run(run_key run) {
  for (auto& [handler, known] : handlers_)
    for (auto& runs : known.places)
      runs.erase(run);
}

void claim_index::load(database& db) {
  for (auto& [handler, known] : handlers_)
    known.places = {};
  db.prepared(sql::claimable_places).each([this](statement& row) {
    const auto own = row.integer32(2);
    add(row.integer(0), own != 0 ? own : row.integer32(4), row.integer(3),
        {row.integer(1), own});
  });
}

/// Tasks of a block, with a priority of their own or their run's, may be
/// claimable from now on.
void transaction::offer(std::int64_t handler, const run_record& run,
                        claim_place place) {
  const auto priority = place.second != 0 ? place.second : run.priority;
  cache_.claims.add(handler, priority, run.key, place);
  fact_.due = true;
}

/// Finds the claimable tasks of a run again: it is no longer paused, or its
/// tasks have another priority.
void transaction::offer_run(const run_record& run) {
  cache_.claims.remove_run(run.key);
  db_.prepared(sql::claimable_places_of_run)
    .each(
      [&](statement& row) {
        offer(row.integer(0), run, {row.integer(1), row.integer32(2)});
      },
      run.key);
}

// -- claiming -----------------------------------------------------------------

void transaction::apply_part(const claim_tasks& c) {
  auto left = c.limit;
  for (const auto& room : c.rooms) {
    const auto handler = find_handler(room.handler);
    const auto wanted = std::min(left, room.tasks);
    if (handler == 0 || wanted <= 0)
      continue;
    if (room.parent == 0)
      left -= claim_in_turn(handler, wanted);
    else if (const auto* parent = find_parent(room.parent);
             parent && parent->expanded > 0)
      left -= std::max<std::int64_t>(
        0, claim_from(handler, {parent->base, bound_of(room.parent).priority},
                      wanted));
  }
}

std::int64_t transaction::claim_in_turn(std::int64_t handler,
                                        std::int64_t wanted) {
  auto& index = cache_.claims.of(handler);
  const auto take = [&](std::int32_t priority, run_key run, std::int64_t most) {
    // A copy: places that turn out to be empty are removed on the way.
    const auto places
      = index.places[static_cast<std::size_t>(priority)].at(run);
    std::int64_t taken = 0;
    for (const auto& place : places) {
      if (taken >= most)
        break;
      const auto got = claim_from(handler, place, most - taken);
      if (got < 0)
        cache_.claims.remove(handler, priority, run, place);
      taken += std::max<std::int64_t>(got, 0);
    }
    return taken;
  };
  return index.turns.claim(
    index.places, wanted, take,
    [&](std::int32_t priority) { return has_claimable(handler, priority); });
}

/// Removes the places of a priority that are empty until one is found that is
/// not.
bool transaction::has_claimable(std::int64_t handler, std::int32_t priority) {
  auto& runs
    = cache_.claims.of(handler).places[static_cast<std::size_t>(priority)];
  while (!runs.empty()) {
    const auto run = runs.begin()->first;
    const auto place = *runs.begin()->second.begin();
    if (may_claim_from(place.first) && !claimable(handler, place, 1).empty())
      return true;
    cache_.claims.remove(handler, priority, run, place);
  }
  return false;
}

/// Rows with at least `tasks` claimable tasks of a handler in a block, or all.
std::vector<segment_row> transaction::claimable(std::int64_t handler,
                                                claim_place place,
                                                std::int64_t tasks) {
  std::vector<segment_row> rows;
  task_key last = 0;
  // Rows mostly hold a whole page of tasks; where they do not, many are needed.
  for (std::size_t limit = 2; tasks > 0; limit = 64) {
    const auto before = rows.size();
    db_.prepared(sql::claimable_segments)
      .each([&](statement& row) { rows.push_back(to_segment(row)); }, handler,
            place.first, place.second, at_, last,
            static_cast<std::int64_t>(limit));
    for (auto i = before; i < rows.size(); ++i)
      tasks -= rows[i].tasks.tasks.count;
    if (rows.size() - before < limit)
      break;
    last = rows.back().tasks.tasks.first;
  }
  return rows;
}

/// Whether the run and the parent of a block let its tasks be leased.
bool transaction::may_claim_from(task_key block) {
  const auto* where = block_of(block);
  const auto* run = where ? find_run(where->run) : nullptr;
  if (!run || !run->record.works())
    return false;
  if (where->parent == 0)
    return true;
  const auto* parent = find_parent(where->parent);
  return parent && parent->state == task_state::pending
         && parent->fence == fence::none;
}

/// Leases up to `room` tasks of a handler in a place; returns how many, or -1
/// if nothing there is claimable.
std::int64_t transaction::claim_from(std::int64_t handler, claim_place place,
                                     std::int64_t room) {
  if (!may_claim_from(place.first))
    return -1;
  if (const auto key = block_of(place.first)->parent; key != 0) {
    const auto running = find_parent(key)->children.running;
    if (const auto bound = bound_of(key).max_concurrency; bound > 0)
      room = std::min(room, bound - running);
    if (room <= 0)
      return 0;
  }
  const auto rows = claimable(handler, place, room);
  std::int64_t found = 0;
  for (const auto& row : rows)
    found += row.tasks.tasks.count;
  if (rows.empty())
    return -1;
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
