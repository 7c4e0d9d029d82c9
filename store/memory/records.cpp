#include "store/memory/model.hpp"
#include "store/texts.hpp"

namespace conductor::memory {

std::string task_name(const model& m, task_key key, const task_row& row) {
  const auto& name = m.origin(key, row).spec.name;
  return row.parent ? child_name(name, row.index) : name;
}

task_record to_record(const model& m, task_key key, const task_row& row) {
  const auto& origin = m.origin(key, row);
  const auto& spec = origin.spec;
  const auto id = [&](task_key k) {
    return k ? m.ids.text(id_kind::task, origin.created_at, k) : std::string{};
  };
  task_record out;
  out.key = key;
  out.id = id(key);
  out.run_id = origin.run_id;
  out.parent_task_id = id(row.parent);
  out.run = row.run;
  out.parent = row.parent;
  out.index = row.index;
  out.name = task_name(m, key, row);
  out.handler = spec.handler;
  out.state = row.state;
  out.attempt = row.attempt;
  out.retry_count = row.retry_count;
  out.lost_count = row.lost_count;
  out.max_retries = spec.retry.max_retries;
  out.created_at = row.created_at;
  out.started_at = row.started_at;
  out.updated_at = row.updated_at;
  out.due_at = row.due_at;
  out.input = row.parent
                ? child_input(spec.input, row.index,
                              child_item(spec.fanout, row.index, row.item))
                : spec.input;
  out.output = row.output;
  out.last_error = row.error;
  return out;
}

event_record to_record(const model& m, const kept_span& kept, std::int64_t i) {
  const auto& span = kept.span;
  event_record out;
  out.seq = span.seq + i;
  out.id = m.ids.text(id_kind::event, span.at, out.seq);
  if (span.run)
    out.run_id = m.runs.at(span.run).record.id;
  if (span.first) {
    const auto key = span.first + i;
    const auto& row = m.tasks.at(key);
    out.task_id = m.ids.text(id_kind::task, m.origin(key, row).created_at, key);
    out.task_name = task_name(m, key, row);
  }
  out.name = to_string(span.kind);
  out.at = span.at;
  out.payload = span.payload;
  out.hash = kept.hash;
  return out;
}

} // namespace conductor::memory
