#include "store/sqlite/write/segments.hpp"

#include "store/sqlite/schema/schema.hpp"
#include "store/sqlite/statements/sql.hpp"

namespace conductor::sqlite {

namespace {

void bind_and_run(statement& insert, const segment_row& r) {
  const auto& s = r.tasks;
  const auto write = [&](const auto& due) {
    insert.run(s.tasks.first, s.tasks.count, r.block, r.handler, s.state,
               s.attempt, s.retry_count, s.lost_count, s.engine, r.error, due,
               s.created_at, s.started_at, s.updated_at, r.priority);
  };
  s.due ? write(*s.due) : write(nullptr);
}

} // namespace

segment_row to_segment(const statement& row) {
  segment_row r;
  auto& s = r.tasks;
  s.tasks = {row.integer(0), row.integer(1)};
  r.block = row.integer(2);
  r.handler = row.integer(3);
  const auto state = row.integer(4);
  s.attempt = row.integer32(5);
  s.retry_count = row.integer32(6);
  s.lost_count = row.integer32(7);
  s.engine = row.integer(8);
  r.error = row.integer(9);
  if (!row.is_null(10))
    s.due = row.time(10);
  s.created_at = row.time(11);
  s.started_at = row.time(12);
  s.updated_at = row.time(13);
  r.priority = row.integer32(14);
  if (s.tasks.count < 1 || s.tasks.count > max_span || state < 2 || state > 7)
    throw store_error{{errc::corrupt, "the row of task "
                                        + std::to_string(s.tasks.first)
                                        + " is damaged; restore a backup"},
                      true};
  s.state = static_cast<task_state>(state);
  return r;
}

std::vector<segment_row> touched_segments(database& db, task_range tasks) {
  std::vector<segment_row> found;
  db.prepared(sql::touched_segments)
    .each(
      [&](statement& row) {
        auto segment = to_segment(row);
        if (segment.tasks.tasks.end() > tasks.first)
          found.push_back(segment);
      },
      tasks.first, tasks.end());
  return found;
}

void insert_segment(database& db, const segment_row& row) {
  bind_and_run(db.prepared(sql::insert_segment), row);
}

void update_segment(database& db, const segment_row& r) {
  const auto& s = r.tasks;
  const auto write = [&](const auto& due) {
    db.prepared(sql::update_segment)
      .run(s.tasks.first, s.tasks.count, s.state, s.attempt, s.retry_count,
           s.lost_count, s.engine, r.error, due, s.started_at, s.updated_at);
  };
  s.due ? write(*s.due) : write(nullptr);
}

void replace_segments(database& db, task_key first, task_key last,
                      const std::vector<segment_row>& pieces) {
  db.prepared(sql::delete_segments).run(first, last);
  for (const auto& piece : pieces)
    insert_segment(db, piece);
}

} // namespace conductor::sqlite
