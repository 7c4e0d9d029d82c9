#pragma once

#include "store/event_hash.hpp"
#include "store/sqlite/statements/states.hpp"

/// Every statement of the reader, by name. Where a query decides what is asked
/// for, its conditions are named as well, and the reader joins them.
/// Rows that must exist are joined with LEFT JOIN: what is missing is damage
/// and must be seen.
namespace conductor::sqlite::sql {

// -- settings and the engine --------------------------------------------------

inline constexpr auto begin_read = literal("BEGIN");
inline constexpr auto end_read = literal("COMMIT");
inline constexpr auto load_salt
  = literal("SELECT value FROM settings WHERE name = 'salt'");
inline constexpr auto load_engine = literal(
  "SELECT epoch, pid, clean, started_at, commits, report FROM engine");

// -- runs ---------------------------------------------------------------------

inline constexpr auto run_columns = literal(
  "run, id, state, created, updated, started, finished, first_task, tasks,"
  " succeeded, failed, cancelled, retries, budget_count, budget_percent, name,"
  " meta, idempotency_key, skipped, priority, paused, fence, deadline,"
  " deadline_delay");
inline constexpr auto select_runs = "SELECT " + run_columns + " FROM run_rows";
inline constexpr auto load_run = select_runs + " WHERE run = ?1";

// Conditions of a run_query; ?1 = key, ?2 = bound of the keys, ?3 = limit,
// ?4 = idempotency key, ?5 = pattern, ?6 = since, ?7 = label, ?8 = its value.
inline constexpr auto runs_after = select_runs + " WHERE run > ?2";
inline constexpr auto runs_before = select_runs + " WHERE run < ?2";
inline constexpr auto run_is = literal(" AND run = ?1");
inline constexpr auto run_has_key = literal(" AND idempotency_key = ?4");
inline constexpr auto run_is_open = " AND state IN " + open_states;
inline constexpr auto run_has_name = literal(" AND name GLOB ?5");
inline constexpr auto run_is_overdue
  = literal(" AND deadline > 0 AND deadline <= ?9 AND fence = 0");
inline constexpr auto run_is_since = literal(" AND created >= ?6");
/// Runs whose `meta` is damaged are found as well, so that it is noticed.
inline constexpr auto run_has_label = literal(
  " AND CASE WHEN json_valid(meta) THEN EXISTS (SELECT 1 FROM json_each(meta) m"
  " WHERE m.key = ?7 AND CASE m.type WHEN 'true' THEN 'true' WHEN 'false' THEN"
  " 'false' ELSE CAST(m.value AS TEXT) END = ?8) ELSE 1 END");
inline constexpr auto oldest_runs = literal(" ORDER BY run LIMIT ?3");
inline constexpr auto newest_runs = literal(" ORDER BY run DESC LIMIT ?3");

inline constexpr auto count_runs
  = literal("SELECT state, count(*) FROM run_rows GROUP BY state");

// -- parents ------------------------------------------------------------------

inline constexpr auto parent_columns = literal(
  "task, run, state, block, total, expanded, running, retrying, succeeded,"
  " failed, cancelled, items, expansion_error, ready, fence");
inline constexpr auto select_parents
  = "SELECT " + parent_columns + " FROM parents";
inline constexpr auto load_parent = select_parents + " WHERE task = ?1";

// Conditions of a parent_query; ?1 = task, ?2 = after, ?3 = limit, ?4 = run.
inline constexpr auto parents_after = select_parents + " WHERE task > ?2";
inline constexpr auto parent_is = literal(" AND task = ?1");
inline constexpr auto parent_is_of_run = literal(" AND run = ?4");
inline constexpr auto parent_is_open = " AND state = " + pending;
inline constexpr auto parents_by_key = literal(" ORDER BY task LIMIT ?3");

/// What a task was submitted as; of a child what its parent was.
inline constexpr auto load_template = literal(
  "SELECT b.run, r.id, r.created, t.task, d.spec, p.block, p.items"
  " FROM segments s"
  " LEFT JOIN blocks b ON b.first = s.block"
  " LEFT JOIN run_rows r ON r.run = b.run"
  " LEFT JOIN templates t ON t.task ="
  " CASE b.template WHEN 0 THEN ?1 ELSE b.template END"
  " LEFT JOIN definitions d ON d.definition = t.definition"
  " LEFT JOIN parents p ON p.task = t.task"
  " WHERE s.first = (SELECT max(first) FROM segments WHERE first <= ?1)"
  " AND s.first + s.count > ?1");
/// The names of top-level tasks: ?1 … ?2.
inline constexpr auto top_level_names
  = literal("SELECT t.task, d.name FROM templates t"
            " JOIN definitions d ON d.definition = t.definition"
            " WHERE t.task BETWEEN ?1 AND ?2 ORDER BY t.task");

// -- blocks -------------------------------------------------------------------

inline constexpr auto block_before
  = literal("SELECT max(first) FROM blocks WHERE first <= ?1");
// Conditions on blocks; ?1 … ?2 = keys, ?3 = limit, ?4 = run, ?5 = parent.
inline constexpr auto select_blocks = literal(
  "SELECT b.first, b.count, b.parent, b.prefix, p.expanded, p.running,"
  " p.retrying, p.succeeded, p.failed, p.cancelled FROM blocks b"
  " LEFT JOIN parents p ON p.task = b.parent"
  " WHERE b.first >= ?1 AND b.first <= ?2");
inline constexpr auto block_is_of_run = literal(" AND b.run = ?4");
inline constexpr auto block_is_of_parent
  = literal(" AND b.first = (SELECT block FROM parents WHERE task = ?5)"
            " AND b.parent = ?5");
inline constexpr auto block_is_top_level = literal(" AND b.parent = 0");
inline constexpr auto blocks_by_key = literal(" ORDER BY b.first LIMIT ?3");

// -- tasks --------------------------------------------------------------------

inline constexpr auto segment_columns = literal(
  "s.first, s.count, s.block, s.handler, s.state, s.attempt, s.retries, s.lost,"
  " s.engine, s.error, s.due, s.created, s.started, s.updated");

// Segments with all that their tasks have in common; of top-level tasks, whose
// definitions differ, a row per task. ?1 … ?2 = keys.
inline constexpr auto task_columns
  = "SELECT " + segment_columns
    + ", b.first, b.count, b.run, b.parent, b.prefix, r.id, r.created, t.task,"
      " d.name, h.name, d.max_retries, e.text, p.items, p.item_from,"
      " p.item_step, w.not_before, w.left, w.skipped";
inline constexpr auto task_texts
  = literal(", CASE b.parent WHEN 0 THEN d.input ELSE d.child_input END");
inline constexpr auto task_joins = literal(
  " LEFT JOIN blocks b ON b.first = s.block"
  " LEFT JOIN run_rows r ON r.run = b.run"
  " LEFT JOIN templates t ON t.task BETWEEN"
  " CASE b.template WHEN 0 THEN max(s.first, ?1) ELSE b.template END AND"
  " CASE b.template WHEN 0 THEN min(s.first + s.count - 1, ?2)"
  " ELSE b.template END"
  " LEFT JOIN definitions d ON d.definition = t.definition"
  " LEFT JOIN handlers h ON h.handler = d.handler"
  " LEFT JOIN errors e ON e.error = s.error"
  " LEFT JOIN parents p ON p.task = b.parent"
  " LEFT JOIN waiting w ON w.task = t.task AND b.parent = 0");
inline constexpr auto all_segments = literal(" FROM segments s");
/// The planner would rather read all segments.
inline constexpr auto running_segments
  = literal(" FROM segments s INDEXED BY segment_running");
inline constexpr auto segments_alone = literal("segments s");
inline constexpr auto segments_of_blocks
  = literal("blocks b CROSS JOIN segments s ON s.first >= b.first"
            " AND s.first < b.first + b.count");
/// The last attempts that took longest; ?3 = limit. Cancelled tasks had none
/// that ended.
inline constexpr auto slowest_of
  = " WHERE s.state IN (" + succeeded + ", " + failed
    + ") AND s.handler > 0 AND s.attempt > 0 AND s.first <= ?2"
      " AND s.first + s.count > ?1";
inline constexpr auto slowest_first
  = literal(" ORDER BY s.updated - s.started DESC, s.first LIMIT ?3");

/// Segments with tasks of ?1 … ?2.
inline constexpr auto segment_in_range = literal(
  " WHERE s.first >= coalesce((SELECT max(first) FROM segments"
  " WHERE first <= ?1), ?1) AND s.first <= ?2 AND s.first + s.count > ?1");
inline constexpr auto segment_is_running
  = " WHERE s.state = " + running
    + " AND s.handler > 0 AND s.first <= ?2 AND s.first + s.count > ?1";
// ?3 = limit, ?4 = run, ?5 = parent, ?6 = started before.
inline constexpr auto started_before
  = literal(" AND s.attempt > 0 AND s.started < ?6");
inline constexpr auto has_error = literal(" AND s.error > 0");
inline constexpr auto segments_by_key
  = literal(" ORDER BY s.first, t.task LIMIT ?3");
inline constexpr auto segments_by_start
  = literal(" ORDER BY s.started, s.first, t.task LIMIT ?3");
inline constexpr auto segments_by_duration
  = literal(" ORDER BY s.updated - s.started DESC, s.first, t.task LIMIT ?3");

// -- groups -------------------------------------------------------------------

inline constexpr auto group_columns
  = "SELECT " + segment_columns + ", b.run, b.parent";
inline constexpr auto group_joins
  = literal(" LEFT JOIN blocks b ON b.first = s.block");
inline constexpr auto select_groups
  = group_columns + all_segments + group_joins;
// ?1 … ?2 = keys, ?3 = limit, ?4 = now.
inline constexpr auto groups_by_key = literal(" ORDER BY s.first LIMIT ?3");
inline constexpr auto groups_by_due
  = literal(" ORDER BY s.due, s.first LIMIT ?3");
inline constexpr auto groups_of_range
  = select_groups + segment_in_range + groups_by_key;
inline constexpr auto unsettled_groups = select_groups + segment_in_range
                                         + " AND s.state IN " + unsettled_states
                                         + groups_by_key;
/// Leaves of run ?4.
inline constexpr auto unsettled_leaves
  = group_columns + " FROM " + segments_of_blocks
    + " WHERE b.run = ?4 AND s.handler > 0 AND s.first + s.count > ?1"
      " AND s.state IN "
    + unsettled_states + groups_by_key;
/// Rows whose block or run is missing are found as well: they are damage.
inline constexpr auto of_runs_that_work
  = literal(" LEFT JOIN run_rows r ON r.run = b.run"
            " LEFT JOIN parents p ON p.task = b.parent"
            " WHERE coalesce(r.paused, 0) = 0 AND coalesce(r.fence, 0) = 0"
            " AND coalesce(p.fence, 0) = 0");
inline constexpr auto retries_due = select_groups + of_runs_that_work
                                    + " AND s.state = " + retrying
                                    + " AND s.due <= ?4" + groups_by_due;
inline constexpr auto abandoned_groups
  = group_columns + running_segments + group_joins
    + " WHERE s.state = " + running
    + " AND s.engine <> (SELECT epoch FROM engine)"
      " AND s.first + s.count > ?1"
    + groups_by_key;
inline constexpr auto waiting_groups
  = select_groups + of_runs_that_work + " AND s.state = " + pending
    + " AND s.due IS NOT NULL AND s.due <= ?4" + groups_by_due;
inline constexpr auto next_retry = "SELECT s.due FROM segments s" + group_joins
                                   + of_runs_that_work
                                   + " AND s.state = " + retrying
                                   + " AND s.due IS NOT NULL ORDER BY s.due"
                                     " LIMIT 1";
inline constexpr auto next_release = literal(
  "SELECT not_before FROM waiting WHERE held = 1 ORDER BY not_before LIMIT 1");
inline constexpr auto next_deadline
  = "SELECT deadline FROM run_rows WHERE deadline > 0 AND fence = 0 AND"
    " state IN "
    + open_states + " ORDER BY deadline LIMIT 1";
inline constexpr auto dependencies_of_run
  = literal("SELECT d.task, d.dependent, d.wanted FROM dependencies d"
            " WHERE d.dependent BETWEEN ?1 AND ?2"
            " ORDER BY d.dependent, d.task");

// -- texts --------------------------------------------------------------------

inline constexpr auto outputs_between
  = literal("SELECT task, output FROM outputs WHERE task BETWEEN ?1 AND ?2");
/// The row with item ?1.
inline constexpr auto item_block
  = literal("SELECT item, count, texts FROM item_blocks WHERE item <= ?1"
            " ORDER BY item DESC LIMIT 1");
/// How many tasks of ?1 … ?2 exist, give or take those of one segment.
inline constexpr auto count_in_range
  = "SELECT total(min(count, " + number<longest_span>()
    + ")) FROM segments WHERE first BETWEEN ?1 AND ?2";
inline constexpr auto segments_in_range
  = "SELECT " + segment_columns
    + ", e.text, b.first, p.items FROM segments s"
      " LEFT JOIN errors e ON e.error = s.error"
      " LEFT JOIN blocks b ON b.first = s.block"
      " LEFT JOIN parents p ON p.task = b.parent"
    + segment_in_range + " ORDER BY s.first";

// -- statistics ---------------------------------------------------------------

// Leaves of all runs, or of run ?1.
inline constexpr auto leaves_of_all
  = literal(" FROM segments s WHERE s.handler > 0");
inline constexpr auto leaves_of_run
  = " FROM " + segments_of_blocks + " WHERE b.run = ?1 AND s.handler > 0";

// Sums as REAL, which do not overflow where numbers are damaged.
inline constexpr auto tasks_where = literal("total(s.count) FILTER (WHERE ");
inline constexpr auto retry_sums
  = "SELECT min(s.count), max(s.count), " + tasks_where + "s.retries > 0), "
    + tasks_where + "s.retries > 0 AND s.state = " + succeeded + "), "
    + tasks_where + "s.retries > 0 AND s.state IN " + settled_states
    + "), total(s.count * (s.attempt - 1)) FILTER (WHERE s.state IN "
    + settled_states + ")";
/// Most tasks are done with their first attempt: only others are summed up.
inline constexpr auto of_many_attempts
  = " AND (s.retries > 0 OR s.attempt <> 1 AND s.state IN " + settled_states
    + ")";

/// `with_error_texts` <leaves> `failures_by_error`: the rows of `errors` with
/// the numbers of tasks.
inline constexpr auto with_error_texts
  = "SELECT e.text, x.* FROM (SELECT s.error AS error, min(s.count),"
    " max(s.count), "
    + tasks_where + "s.state = " + failed + "), " + tasks_where + "s.state = "
    + retrying + "), min(s.updated), max(s.updated), min(s.first)";
inline constexpr auto failures_by_error
  = " AND s.error > 0 AND s.state IN " + failed_states
    + " GROUP BY s.error) x LEFT JOIN errors e ON e.error = x.error";

/// Of the children of each parent, with the handler of its template.
inline constexpr auto parent_sums = literal(
  "SELECT p.task, p.run, p.state, p.block, p.total, p.expanded, p.running,"
  " p.retrying, p.succeeded, p.failed, p.cancelled, p.items, p.expansion_error,"
  " p.ready, p.fence, d.handler FROM parents p"
  " LEFT JOIN blocks b ON b.first = p.block AND b.parent = p.task"
  " LEFT JOIN templates t ON t.task = coalesce(b.template, p.task)"
  " LEFT JOIN definitions d ON d.definition = t.definition");
inline constexpr auto parent_of_run = literal(" WHERE p.run = ?1");
inline constexpr auto handler_names
  = literal("SELECT handler, name FROM handlers");
inline constexpr auto top_level_blocks
  = literal("SELECT first, count FROM blocks WHERE parent = 0 ORDER BY first");
inline constexpr auto top_level_block_of_run
  = literal("SELECT first_task, tasks FROM run_rows WHERE run = ?1");
inline constexpr auto leaf_counts
  = literal("SELECT first, count, handler, state FROM segments"
            " WHERE first BETWEEN ?1 AND ?2 AND handler > 0");

// -- events -------------------------------------------------------------------

inline constexpr auto span_columns
  = literal("SELECT seq, first, count, kind, at FROM event_spans");
inline constexpr auto spans_of_run
  = span_columns + " WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
inline constexpr auto last_seq = literal(
  "SELECT seq + count - 1 FROM event_spans ORDER BY seq DESC LIMIT 1");
inline constexpr auto span_at = literal(
  "SELECT seq, at FROM event_spans WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1");

// Spans with events after ?1, and the names of their tasks; of top-level tasks
// a row per task. ?2 = limit, ?3 = run, ?4 = task.
inline constexpr auto select_events
  = "SELECT s.seq, s.first, s.count, s.kind, s.at, s.payload, s.hash, r.id,"
    " r.created, b.first, b.parent, b.prefix, t.task, d.name"
    " FROM event_spans s"
    " LEFT JOIN run_rows r ON r.run = s.run"
    " LEFT JOIN blocks b ON s.first > 0 AND b.first ="
    " (SELECT max(first) FROM blocks WHERE first <= s.first)"
    " LEFT JOIN templates t ON b.parent = 0 AND t.task BETWEEN"
    " s.first + max(0, ?1 + 1 - s.seq) AND s.first + s.count - 1"
    " LEFT JOIN definitions d ON d.definition = t.definition"
    " WHERE s.seq > ?1 - "
    + number<longest_span>() + " AND s.seq + s.count > ?1 + 1";
inline constexpr auto event_is_of_run = literal(" AND s.run = ?3");
/// `first > 0` makes the partial index usable.
inline constexpr auto event_is_of_task
  = " AND s.first > 0 AND s.first <= ?4 AND s.first > ?4 - "
    + number<longest_span>()
    + " AND s.first + s.count > ?4 AND (t.task IS NULL OR t.task = ?4)";
inline constexpr auto event_is_of_kinds = literal(" AND s.kind IN (");
inline constexpr auto events_by_seq
  = literal(") ORDER BY s.seq, t.task LIMIT ?2");

inline constexpr auto last_settled
  = "SELECT at FROM event_spans WHERE run = ?1 AND (kind IN ("
    + number<event_kind::task_succeeded>() + ", "
    + number<event_kind::task_retries_exhausted>() + ", "
    + number<event_kind::task_cancelled>()
    + ") OR kind = " + number<event_kind::task_failed>()
    + " AND instr(payload, '\"retry_at\"') = 0) ORDER BY seq DESC LIMIT 1";

// Counts of events after ?1, of run ?2.
inline constexpr auto count_kinds
  = literal("SELECT kind, count FROM event_spans WHERE seq > ?1");
inline constexpr auto count_is_of_run = literal(" AND run = ?2");
inline constexpr auto count_is_of_kinds = literal(" AND kind IN (");

// Pruning: one run, or all that ended before a moment.
inline constexpr auto settled_run
  = "SELECT run FROM run_rows WHERE run = ? AND state IN " + settled_states;
inline constexpr auto runs_settled_before
  = "SELECT run FROM run_rows WHERE state IN " + settled_states
    + " AND finished < ? ORDER BY run";

} // namespace conductor::sqlite::sql
