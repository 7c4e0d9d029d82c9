#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>

#include "store/sqlite/verify/verify_checks.hpp"

namespace conductor::sqlite {

namespace {

struct parent_row {
  explicit parent_row(const statement& row)
    : task(row.integer(0)), run(row.integer(1)),
      state(static_cast<task_state>(row.integer(2))), block(row.integer(3)),
      total(row.integer(4)),
      expanded(row.integer(5)), counts{row.integer(6), row.integer(7),
                                       row.integer(8), row.integer(9),
                                       row.integer(10)},
      max_concurrency(row.integer(11)), items(row.integer(12)),
      item_from(row.integer(13)), item_step(row.integer(14)),
      expansion_error(row.text(15)), spec(row.text(16)) {}

  std::int64_t settled() const { return counts[2] + counts[3] + counts[4]; }

  task_key task;
  run_key run;
  task_state state;
  task_key block;
  std::int64_t total, expanded;
  std::int64_t counts[5]; ///< running, retrying, succeeded, failed, cancelled
  std::int64_t max_concurrency, items, item_from, item_step;
  std::string expansion_error, spec;
};

constexpr auto all_parents
  = "SELECT p.task, p.run, p.state, p.block, p.total, p.expanded, p.running,"
    " p.retrying, p.succeeded, p.failed, p.cancelled, p.max_concurrency,"
    " p.items, p.item_from, p.item_step, p.expansion_error,"
    " coalesce(d.spec, '') FROM parents p"
    " LEFT JOIN templates t ON t.task = p.task"
    " LEFT JOIN definitions d ON d.definition = t.definition WHERE p.run = ?";

/// I6: counters equal a recount of the children.
void compare_counters(const parent_row& p, const block_count& counted,
                      findings& out) {
  constexpr const char* names[]
    = {"running", "retrying", "succeeded", "failed", "cancelled"};
  constexpr task_state states[]
    = {task_state::running, task_state::retrying, task_state::succeeded,
       task_state::failed, task_state::cancelled};
  differences d;
  for (std::size_t i = 0; i < std::size(names); ++i)
    d.field(names[i], p.counts[i],
            counted.by_state[static_cast<std::size_t>(states[i])]);
  if (d)
    out.add("I6", "the children of " + out.task(p.task) + ": " + d.text());
  // What is cancelled before it was fanned out never gets children.
  const auto never_begun = p.state == task_state::cancelled && p.expanded == 0;
  if (settled(p.state) && !never_begun
      && (p.expanded != p.total || p.settled() != p.total))
    out.add("I6",
            out.task(p.task) + " has ended, but not all of its children have");
  if (p.max_concurrency > 0 && p.counts[0] > p.max_concurrency)
    out.add("I8", out.task(p.task) + " has " + std::to_string(p.counts[0])
                    + " children RUNNING, max_concurrency is "
                    + std::to_string(p.max_concurrency));
}

/// I2: children are exactly 1 … expanded, within the block.
void check_expansion(const parent_row& p, const block_row& block,
                     const block_count& counted, const run_replay& events,
                     findings& out) {
  const auto whose = [&] { return out.task(p.task) + " "; };
  if (counted.tasks != p.expanded)
    out.add("I2", whose() + "has created " + std::to_string(p.expanded)
                    + " children, " + std::to_string(counted.tasks)
                    + " of them are there");
  if (p.expanded < 0 || p.expanded > p.total || p.total > block.count)
    out.add("I2", whose()
                    + "has numbers that are out of their bounds"
                      " (0 <= expanded <= total <= keys reserved)");
  const auto ended = events.expansion_ended_at(p.task);
  if (p.expansion_error.empty()) {
    // A fence ends an expansion with the children that there are.
    if (p.total != block.count && (p.total != p.expanded || ended != p.total))
      out.add("I2", whose() + "has total " + std::to_string(p.total) + ", "
                      + std::to_string(block.count)
                      + " keys were reserved for its children");
    return;
  }
  if (!is_json(p.expansion_error))
    out.add("I7", "expansion_error of " + out.task(p.task)
                    + " is not JSON: " + excerpt(p.expansion_error));
  if (p.expanded != p.total || p.expanded >= block.count || ended != p.expanded
      || p.state == task_state::succeeded)
    out.add("I6", whose() + "has an expansion error ("
                    + excerpt(p.expansion_error)
                    + "), but its expansion did not end early");
}

/// I1: what the row repeats of the definition.
void compare_definition(const parent_row& p, const block_row& block,
                        findings& out) {
  const auto spec = from_stored_text(p.spec);
  if (!spec)
    return; // said of the definition
  if (!spec->is_parent())
    return out.add("I1", out.task(p.task)
                           + " has children, its definition says none");
  const auto& from = spec->fanout;
  const auto range = from.kind == source_kind::range;
  const auto listed = from.kind != source_kind::count && !range;
  differences d{"its definition says"};
  d.field("item_from", p.item_from, range ? from.from : 1);
  d.field("item_step", p.item_step, range ? from.step : 1);
  d.field("max_concurrency", p.max_concurrency, spec->max_concurrency);
  d.field("whether its items are a list", std::int64_t{p.items != 0},
          std::int64_t{listed && block.count > 0});
  if (!listed)
    d.field("the number of its children", block.count, from.count);
  if (d)
    out.add("I1", out.task(p.task) + ": " + d.text());
}

/// The parent as a task of its own.
void compare_task(database& db, const parent_row& p, findings& out) {
  auto state = task_state{};
  db.prepared("SELECT state FROM segments WHERE first = (SELECT max(first) FROM"
              " segments WHERE first <= ?1) AND first + count > ?1")
    .each(
      [&](statement& row) { state = static_cast<task_state>(row.integer(0)); },
      p.task);
  if (state != p.state)
    out.add("I6", out.task(p.task) + " is " + state_in_words(p.state)
                    + " as a parent and " + state_in_words(state)
                    + " as a task");
}

/// I2: what the block says of its children.
void check_children(database& db, const block_row& block, findings& out) {
  std::string right, stored;
  db.prepared("SELECT d.name || '#', b.prefix FROM blocks b JOIN templates t ON"
              " t.task = b.parent JOIN definitions d ON d.definition ="
              " t.definition WHERE b.first = ?")
    .each(
      [&](statement& row) {
        right = row.text(0);
        stored = row.text(1);
      },
      block.first);
  if (right != stored || right.empty() || block.task_template != block.parent)
    out.add("I2", "the block of the children of " + out.task(block.parent)
                    + " names them " + excerpt(stored)
                    + " and the number of the child, and their template is "
                    + std::to_string(block.task_template) + "; expected "
                    + excerpt(right) + " and " + std::to_string(block.parent));
}

/// I1: there are as many items as children.
void check_list(database& db, const parent_row& p, const block_row& block,
                findings& out) {
  std::int64_t items = 0;
  const auto list = p.items << 32;
  if (p.items == 0)
    return;
  db.prepared("SELECT total(count) FROM item_blocks WHERE item BETWEEN ? AND ?")
    .each([&](statement& row) { items = row.integer(0); }, list,
          list + items_per_list - 1);
  if (p.items < 0 || p.items > (std::int64_t{1} << 31) - 1
      || items != block.count)
    out.add("I1", out.task(p.task) + " has " + std::to_string(block.count)
                    + " children, the list " + std::to_string(p.items)
                    + " of their items has " + std::to_string(items));
}

} // namespace

void check_parents(database& db, findings& out, const run_replay& events,
                   run_key run, const counted_blocks& children) {
  db.prepared(all_parents)
    .each(
      [&](statement& row) {
        const parent_row p{row};
        // Without children there is no block.
        const auto found = children.find(p.task);
        const auto counted
          = found != children.end()
              ? found->second
              : counted_block{{p.block, 0, run, p.task, 0}, {}};
        if (out.full())
          return;
        if (counted.block.first != p.block)
          out.add("I2", out.task(p.task)
                          + " has its children in another block than its row"
                            " says");
        compare_task(db, p, out);
        compare_counters(p, counted.count, out);
        check_expansion(p, counted.block, counted.count, events, out);
        compare_definition(p, counted.block, out);
        check_list(db, p, counted.block, out);
        if (found != children.end())
          check_children(db, counted.block, out);
        if (events.tasks().at(p.task).aggregated != 0)
          check_parent_output(db, out, p.task);
      },
      run);
}

} // namespace conductor::sqlite
