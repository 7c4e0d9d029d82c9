#include "store/sqlite/read/rows.hpp"

#include <conductor/json_text.hpp>

#include "store/sqlite/statements/sql.hpp"

namespace conductor::sqlite {

run_record to_run(const statement& row) {
  run_record r;
  r.key = row.integer(0);
  r.id = row.text(1);
  r.name = row.text(2);
  r.state = static_cast<run_state>(row.integer(3));
  r.meta = row.text(4);
  r.idempotency_key = row.text(5);
  r.created_at = row.time(6);
  r.updated_at = row.time(7);
  r.started_at = row.time(8);
  r.finished_at = row.time(9);
  r.tasks = row.integer(10);
  r.succeeded = row.integer(11);
  r.failed = row.integer(12);
  r.cancelled = row.integer(13);
  r.retries = row.integer(14);
  r.retry_budget = {row.integer(15), row.real(16)};
  return r;
}

fanout_record to_fanout(const statement& row) {
  fanout_record f;
  f.task = row.integer(0);
  f.run = row.integer(1);
  f.state = static_cast<task_state>(row.integer(2));
  f.base = row.integer(3);
  f.total = row.integer(4);
  f.expanded = row.integer(5);
  f.claimed = row.integer(6);
  f.children.running = row.integer(7);
  f.children.retrying = row.integer(8);
  f.children.succeeded = row.integer(9);
  f.children.failed = row.integer(10);
  f.children.cancelled = row.integer(11);
  f.offset = row.integer(12);
  f.source.size = row.integer(13);
  f.source.mtime_ns = row.integer(14);
  f.source.spooled = row.integer(15) != 0;
  f.source.path = row.text(16);
  f.broken = row.text(17);
  derive_counts(f);
  return f;
}

void derive_counts(fanout_record& f) {
  auto& c = f.children;
  c.pending = f.expanded - c.running - c.retrying - c.settled();
  c.unborn = f.total - f.expanded;
}

state_counts to_counts(const statement& row, int first) {
  fanout_record f;
  f.total = row.integer(first);
  f.expanded = row.integer(first + 1);
  f.children = {0,
                0,
                row.integer(first + 2),
                row.integer(first + 3),
                row.integer(first + 4),
                row.integer(first + 5),
                row.integer(first + 6)};
  derive_counts(f);
  return f.children;
}

id_space load_ids(database& db) {
  return {static_cast<std::uint64_t>(
    db.number("SELECT value FROM settings WHERE name='salt'"))};
}

std::string shared_input(const std::string& parent_input) {
  auto value = json::parse(parent_input, nullptr, false);
  if (!value.is_object())
    return "{}";
  value.erase("fanout");
  return dump(value);
}

std::optional<run_record> load_run(database& db, run_key run) {
  static const auto query
    = "SELECT " + std::string{sql::run_columns} + " FROM run_rows WHERE run=?";
  std::optional<run_record> found;
  db.prepared(query).each([&](statement& row) { found = to_run(row); }, run);
  return found;
}

std::optional<fanout_record> load_fanout(database& db, task_key parent) {
  static const auto query = "SELECT " + std::string{sql::fanout_columns}
                            + " FROM fanouts WHERE task=?";
  std::optional<fanout_record> found;
  db.prepared(query).each([&](statement& row) { found = to_fanout(row); },
                          parent);
  return found;
}

} // namespace conductor::sqlite
