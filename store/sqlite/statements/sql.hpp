#pragma once

#include <string_view>

/// Every statement of the writer, by name. No statement decides: it selects,
/// inserts, or moves rows whose guard matches.
namespace conductor::sqlite::sql {

using text = std::string_view;

inline constexpr text guard_epoch
  = "UPDATE engine SET commits=commits+1 WHERE one=1 AND epoch=?";

inline constexpr text run_columns
  = "run,id,name,state,meta,coalesce(idempotency_key,''),created,updated,"
    "started,finished,tasks,succeeded,failed,cancelled,retries,budget_count,"
    "budget_percent";
inline constexpr text load_run_chain
  = "SELECT chain,first_task,end_task FROM run_rows WHERE run=?";
inline constexpr text insert_run
  = "INSERT INTO run_rows VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
    "nullif(?,''))";
inline constexpr text update_run
  = "UPDATE run_rows SET state=?,updated=?,started=?,finished=?,succeeded=?,"
    "failed=?,cancelled=?,retries=?,chain=? WHERE run=?";
inline constexpr text find_key
  = "SELECT run,id,first_task FROM run_rows WHERE idempotency_key=?";

inline constexpr text insert_origin
  = "INSERT INTO origins VALUES(?,?,?,?,?,?,?,?,nullif(?,''),?)";

inline constexpr text fanout_columns
  = "task,run,state,base,total,expanded,claimed,running,retrying,succeeded,"
    "failed,cancelled,source_offset,source_size,source_mtime,source_spooled,"
    "source_path,broken";
inline constexpr text insert_fanout
  = "INSERT INTO fanouts VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
inline constexpr text update_fanout
  = "UPDATE fanouts SET state=?,total=?,expanded=?,claimed=?,running=?,"
    "retrying=?,succeeded=?,failed=?,cancelled=?,source_offset=?,broken=? "
    "WHERE task=?";

inline constexpr text insert_task
  = "INSERT INTO task_rows VALUES(?,0,2,0,0,0,?2,?2,?2)";
/// A page of children at once; `offsets` has max_span rows.
inline constexpr text insert_children
  = "INSERT INTO task_rows SELECT ?1+i,?3,2,0,0,0,?4,?4,?4 FROM offsets "
    "WHERE i<?2";
inline constexpr text insert_item = "INSERT INTO items VALUES(?,?)";
inline constexpr text insert_due = "INSERT OR REPLACE INTO due VALUES(?,?,?)";
inline constexpr text delete_due = "DELETE FROM due WHERE task BETWEEN ? AND ?";

inline constexpr text claim_tasks
  = "UPDATE task_rows SET state=3,attempt=attempt+1,started=?1,updated=?1 "
    "WHERE task BETWEEN ?2 AND ?3 AND state=?4 AND attempt=?5";
inline constexpr text move_tasks
  = "UPDATE task_rows SET state=?1,retries=retries+?2,lost=lost+?3,updated=?4 "
    "WHERE task BETWEEN ?5 AND ?6 AND state=?7 AND attempt=?8";
inline constexpr text look_at_tasks
  = "SELECT task,state,attempt FROM task_rows WHERE task BETWEEN ? AND ?";

inline constexpr text set_output = "INSERT OR REPLACE INTO outputs VALUES(?,?)";
inline constexpr text set_error = "INSERT OR REPLACE INTO errors VALUES(?,?)";

inline constexpr text delete_output = "DELETE FROM outputs WHERE task=?";
inline constexpr text delete_error = "DELETE FROM errors WHERE task=?";

inline constexpr text insert_lease
  = "INSERT INTO leases VALUES(?,?,?,?) ON CONFLICT(first) DO UPDATE SET "
    "count=max(count,excluded.count),deadline=max(deadline,excluded.deadline),"
    "epoch=excluded.epoch";
inline constexpr text delete_lease = "DELETE FROM leases WHERE first=?";
inline constexpr text extend_lease
  = "UPDATE leases SET deadline=? WHERE first=?";

inline constexpr text set_engine_report = "UPDATE engine SET report=?";

inline constexpr text insert_span
  = "INSERT INTO event_spans VALUES(?,?,?,?,?,?,?,?)";

} // namespace conductor::sqlite::sql
