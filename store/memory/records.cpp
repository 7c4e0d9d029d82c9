#include "store/event_hash.hpp"
#include "store/memory/model.hpp"

namespace conductor::memory {

task_group group_of(task_key key, const task_row& row) {
  const auto& now = row.now;
  return {
    row.run,     row.parent,      {key, 1},       now.state,
    now.attempt, now.retry_count, now.lost_count, now.due.value_or(no_time)};
}

void join(std::vector<task_group>& groups, const task_group& task) {
  if (!groups.empty()) {
    auto next = groups.back();
    const auto end = next.tasks.end();
    next.tasks = task.tasks;
    if (next == task && end == task.tasks.first
        && groups.back().tasks.count < longest_span) {
      ++groups.back().tasks.count;
      return;
    }
  }
  groups.push_back(task);
}

std::string task_name(const model& m, task_key key, const task_row& row) {
  const auto& name = m.template_of(key, row).spec.name;
  return row.parent ? child_name(name, row.index) : name;
}

std::string item_in_list(const model& m, const task_row& row) {
  if (!row.parent)
    return {};
  const auto list = m.lists.find(m.parents.at(row.parent).items);
  const auto place = static_cast<std::size_t>(row.index - 1);
  return list != m.lists.end() && place < list->second.size()
           ? list->second[place]
           : std::string{};
}

namespace {

std::string input_of(const model& m, task_key key, const task_row& row) {
  const auto& spec = m.template_of(key, row).spec;
  if (!row.parent)
    return spec.input;
  const auto item = m.parents.at(row.parent).items
                      ? item_in_list(m, row)
                      : derived_item(spec.fanout, row.index);
  return child_input(shared_input(spec.input), row.index, item);
}

} // namespace

task_record to_record(const model& m, task_key key, const task_row& row) {
  const auto& origin = m.template_of(key, row);
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
  out.handler = origin.spec.handler;
  out.state = row.now.state;
  out.attempt = row.now.attempt;
  out.retry_count = row.now.retry_count;
  out.lost_count = row.now.lost_count;
  out.max_retries = origin.spec.retry.max_retries;
  out.created_at = row.now.created_at;
  out.started_at = row.now.started_at;
  out.updated_at = row.now.updated_at;
  out.due_at = row.now.due.value_or(no_time);
  if (const auto waiting = m.waiting.find(key); waiting != m.waiting.end()) {
    out.not_before = waiting->second.not_before;
    out.waits_for = waiting->second.left;
    out.skipped = waiting->second.skipped;
  }
  out.input = input_of(m, key, row);
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
    out.run_id = m.runs.at(span.run).id;
  if (span.first) {
    const auto key = span.first + i;
    const auto& row = m.tasks.at(key);
    out.task_id
      = m.ids.text(id_kind::task, m.template_of(key, row).created_at, key);
    out.task_name = task_name(m, key, row);
  }
  out.name = to_string(span.kind);
  out.at = span.at;
  out.payload = span.payload;
  out.hash = kept.hash;
  return out;
}

} // namespace conductor::memory
