#pragma once

#include <string_view>

/// Every statement of the writer, by name. No statement decides: it selects,
/// inserts, or moves rows whose guard matches. The states in the texts are
/// those of schema.sql.
namespace conductor::sqlite::sql {

using text = std::string_view;

// -- the engine and counters --------------------------------------------------

inline constexpr text guard_epoch
  = "UPDATE engine SET commits = commits + 1 WHERE one = 1 AND epoch = ?";
inline constexpr text take_over
  = "UPDATE engine SET epoch = epoch + 1, clean = 0, pid = ?, started_at = ?";
inline constexpr text close_engine
  = "UPDATE engine SET clean = 1 WHERE epoch = ?";
inline constexpr text set_engine_paused = "UPDATE engine SET paused = ?";
inline constexpr text engine_paused = "SELECT paused FROM engine";
inline constexpr text set_engine_report = "UPDATE engine SET report = ?";
inline constexpr text engine_epoch = "SELECT epoch FROM engine";
inline constexpr text engine_clean = "SELECT clean FROM engine";
inline constexpr text engine_commits = "SELECT commits FROM engine";

// A number that was given out once is never given out again, even if what had
// it was pruned.
inline constexpr text next_run
  = "SELECT 1 + max((SELECT coalesce(max(run), 0) FROM run_rows),"
    " (SELECT coalesce(max(run), 0) FROM prunings))";
inline constexpr text next_task
  = "SELECT max(1, (SELECT coalesce(max(first + count), 1) FROM"
    " (SELECT first, count FROM blocks ORDER BY first DESC LIMIT 1)),"
    " (SELECT coalesce(max(end_task), 1) FROM prunings))";
inline constexpr text next_seq
  = "SELECT 1 + max((SELECT coalesce(max(seq + count - 1), 0) FROM"
    " (SELECT seq, count FROM event_spans ORDER BY seq DESC LIMIT 1)),"
    " (SELECT coalesce(max(last_seq), 0) FROM prunings))";
inline constexpr text next_list
  = "SELECT 1 + coalesce(max(item), 0) / 4294967296 FROM item_blocks";
inline constexpr text latest_event
  = "SELECT at FROM event_spans ORDER BY seq DESC LIMIT 1";

// -- runs ---------------------------------------------------------------------

inline constexpr text load_chain = "SELECT chain FROM run_rows WHERE run = ?";
inline constexpr text load_chain_of_no_run
  = "SELECT hash FROM event_spans WHERE run = 0 ORDER BY seq DESC LIMIT 1";
inline constexpr text insert_run
  = "INSERT INTO run_rows(run, id, state, created, updated, started, finished,"
    " first_task, tasks, succeeded, failed, cancelled, retries, budget_count,"
    " budget_percent, chain, skipped, priority, paused, fence, deadline,"
    " deadline_delay, name, meta, idempotency_key) VALUES"
    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " nullif(?, ''))";
inline constexpr text update_run
  = "UPDATE run_rows SET state = ?, updated = ?, started = ?, finished = ?,"
    " succeeded = ?, failed = ?, cancelled = ?, retries = ?, chain = ?,"
    " skipped = ?, priority = ?, paused = ?, fence = ?, deadline = ?,"
    " deadline_delay = ? WHERE run = ?";
inline constexpr text find_run_by_key
  = "SELECT run, id, first_task FROM run_rows WHERE idempotency_key = ?";

inline constexpr text open_runs_by_pause
  = "SELECT run FROM run_rows WHERE state IN (2, 3) AND paused <> ?";

// -- what tasks wait for ------------------------------------------------------

inline constexpr text insert_dependency
  = "INSERT INTO dependencies(task, dependent, wanted) VALUES (?, ?, ?)";
inline constexpr text dependents_of
  = "SELECT task, dependent, wanted FROM dependencies"
    " WHERE task BETWEEN ? AND ? ORDER BY task, dependent";
inline constexpr text dependencies_of
  = "SELECT task FROM dependencies WHERE dependent = ? ORDER BY task";
inline constexpr text insert_waiting
  = "INSERT INTO waiting(task, left, not_before, held, skipped)"
    " VALUES (?, ?, ?, ?, 0)";
inline constexpr text load_waiting
  = "SELECT left, not_before, held, skipped FROM waiting WHERE task = ?";
inline constexpr text update_waiting
  = "UPDATE waiting SET left = ?, held = ?, skipped = ? WHERE task = ?";
inline constexpr text held_until
  = "SELECT task FROM waiting WHERE held = 1 AND not_before <= ?"
    " ORDER BY not_before, task LIMIT ?";
inline constexpr text name_of_task
  = "SELECT d.name FROM templates t"
    " JOIN definitions d ON d.definition = t.definition WHERE t.task = ?";

// -- definitions --------------------------------------------------------------

inline constexpr text find_handler
  = "SELECT handler FROM handlers WHERE name = ?";
inline constexpr text insert_handler = "INSERT INTO handlers(name) VALUES (?)";
inline constexpr text find_definition
  = "SELECT definition, spec FROM definitions WHERE digest = ?";
inline constexpr text insert_definition
  = "INSERT INTO definitions(digest, handler, max_retries, name, input,"
    " child_input, spec) VALUES (?, ?, ?, ?, ?, nullif(?, ''), ?)";
inline constexpr text insert_template
  = "INSERT INTO templates(task, run, definition) VALUES (?, ?, ?)";

inline constexpr text load_spec
  = "SELECT t.run, d.spec FROM templates t"
    " JOIN definitions d ON d.definition = t.definition WHERE t.task = ?";
inline constexpr text update_template
  = "UPDATE templates SET definition = ? WHERE task = ?";

// -- blocks and parents -------------------------------------------------------

inline constexpr text insert_block
  = "INSERT INTO blocks(first, count, run, parent, template, prefix)"
    " VALUES (?, ?, ?, ?, ?, ?)";
inline constexpr text load_block
  = "SELECT run, parent FROM blocks WHERE first = ?";
inline constexpr text insert_parent
  = "INSERT INTO parents(task, run, state, block, total, expanded, running,"
    " retrying, succeeded, failed, cancelled, max_concurrency, items,"
    " item_from, item_step, expansion_error, ready, fence, priority)"
    " VALUES (?, ?, 2, ?, ?, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?, '', ?, 0, ?)";
inline constexpr text update_parent
  = "UPDATE parents SET state = ?, total = ?, expanded = ?, running = ?,"
    " retrying = ?, succeeded = ?, failed = ?, cancelled = ?,"
    " expansion_error = ?, ready = ?, fence = ? WHERE task = ?";
inline constexpr text reserved_keys
  = "SELECT b.count FROM parents p JOIN blocks b ON b.first = p.block"
    " AND b.parent = p.task WHERE p.task = ?";
inline constexpr text set_bound
  = "UPDATE parents SET max_concurrency = ? WHERE task = ?";
inline constexpr text set_parent_priority
  = "UPDATE parents SET priority = ? WHERE task = ?";
inline constexpr text set_segment_priority
  = "UPDATE segments SET priority = ? WHERE first >= ? AND first < ?";
inline constexpr text load_bound
  = "SELECT p.max_concurrency, d.handler, p.priority FROM parents p"
    " JOIN blocks b ON b.first = p.block"
    " JOIN templates t ON t.task = b.template"
    " JOIN definitions d ON d.definition = t.definition WHERE p.task = ?";

// -- segments -----------------------------------------------------------------

inline constexpr text touched_segments
  = "SELECT first, count, block, handler, state, attempt, retries, lost,"
    " engine, error, due, created, started, updated, priority FROM segments"
    " WHERE first >= coalesce((SELECT max(first) FROM segments WHERE first <= "
    "?1), "
    "?1)"
    " AND first < ?2 ORDER BY first";
inline constexpr text insert_segment
  = "INSERT INTO segments(first, count, block, handler, state, attempt, "
    "retries,"
    " lost, engine, error, due, created, started, updated, priority)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
inline constexpr text update_segment
  = "UPDATE segments SET count = ?2, state = ?3, attempt = ?4, retries = ?5,"
    " lost = ?6, engine = ?7, error = ?8, due = ?9, started = ?10,"
    " updated = ?11 WHERE first = ?1";
inline constexpr text delete_segments
  = "DELETE FROM segments WHERE first BETWEEN ? AND ?";

/// Of one handler, block and priority, in the order of the partial index.
inline constexpr text claimable_segments
  = "SELECT first, count, block, handler, state, attempt, retries, lost,"
    " engine, error, due, created, started, updated, priority FROM segments"
    " WHERE handler = ? AND block = ? AND priority = ? AND state = 2 AND"
    " due IS NOT NULL AND due <= ? AND first > ? ORDER BY first LIMIT ?";
inline constexpr text claimable_places
  = "SELECT c.handler, c.block, c.priority, r.run, r.priority FROM"
    " (SELECT DISTINCT handler, block, priority FROM segments WHERE state = 2"
    " AND due IS NOT NULL) c JOIN blocks b ON b.first = c.block"
    " JOIN run_rows r ON r.run = b.run WHERE r.state IN (2, 3) AND"
    " r.paused = 0 AND r.fence = 0";
inline constexpr text claimable_places_of_run
  = "SELECT DISTINCT s.handler, s.block, s.priority FROM blocks b"
    " CROSS JOIN segments s ON s.first >= b.first AND"
    " s.first < b.first + b.count WHERE b.run = ? AND s.state = 2 AND"
    " s.due IS NOT NULL";

// -- texts --------------------------------------------------------------------

inline constexpr text set_output
  = "INSERT INTO outputs(task, output) VALUES (?, ?)"
    " ON CONFLICT(task) DO UPDATE SET output = excluded.output";
inline constexpr text delete_output = "DELETE FROM outputs WHERE task = ?";
inline constexpr text last_error_of_run
  = "SELECT coalesce(max(error), 0) FROM errors WHERE error BETWEEN ? AND ?";
inline constexpr text insert_error
  = "INSERT INTO errors(error, text) VALUES (?, ?)";

// -- items --------------------------------------------------------------------

inline constexpr text insert_items
  = "INSERT INTO item_blocks(item, count, texts) VALUES (?, ?, ?)";
inline constexpr text delete_items
  = "DELETE FROM item_blocks WHERE item BETWEEN ? AND ?";
inline constexpr text list_is_used
  = "SELECT 1 FROM parents WHERE items = ? AND items > 0 LIMIT 1";
inline constexpr text unused_lists
  = "SELECT DISTINCT x.item / 4294967296 FROM item_blocks x WHERE NOT EXISTS"
    " (SELECT 1 FROM parents p WHERE p.items > 0"
    " AND p.items = x.item / 4294967296)";
inline constexpr text end_of_list
  = "SELECT item + count FROM item_blocks WHERE item BETWEEN ? AND ?"
    " ORDER BY item DESC LIMIT 1";

// -- events -------------------------------------------------------------------

inline constexpr text insert_span
  = "INSERT INTO event_spans(seq, run, first, count, kind, at, payload, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

} // namespace conductor::sqlite::sql
