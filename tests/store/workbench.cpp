#include "tests/store/workbench.hpp"

namespace conductor::test {

task_submission leaf(const std::string& name) {
  task_submission out;
  out.spec.name = name;
  out.spec.handler = "work";
  out.spec.retry.max_retries = 2;
  return out;
}

task_submission parent(const std::string& name, std::int64_t total) {
  auto out = leaf(name);
  out.total = total;
  out.spec.fanout.kind = source_kind::count;
  out.spec.fanout.count = total;
  out.spec.input = R"({"fanout":)" + std::to_string(total) + R"(,"k":"v"})";
  return out;
}

batch_result workbench::commit(std::vector<change_set> batch) {
  return kept->commit(batch);
}

batch_result workbench::commit(change_set changes) {
  std::vector<change_set> batch;
  batch.push_back(std::move(changes));
  return kept->commit(batch);
}

commit_reply workbench::apply(change_set changes) {
  return commit(std::move(changes)).replies.at(0);
}

submitted_run workbench::submit(std::vector<task_submission> tasks,
                                const std::string& idempotency_key) {
  change_set changes;
  auto& s = changes.submissions.emplace_back();
  s.name = "run";
  s.idempotency_key = idempotency_key;
  s.tasks = std::move(tasks);
  s.at = now;
  return apply(std::move(changes)).runs.at(0);
}

void workbench::submit_children(std::int64_t total) {
  submit({parent("p", total)});
  expand(1, 1, total);
}

commit_reply workbench::expand(task_key parent, std::int64_t first,
                               std::int64_t count) {
  change_set changes;
  auto& e = changes.expansions.emplace_back();
  e.run = 1;
  e.parent = parent;
  e.first = first;
  e.count = count;
  e.offset = 10 * (first + count - 1);
  e.at = now;
  return apply(std::move(changes));
}

task_move workbench::plan(task_key parent, task_range tasks, task_state from,
                          std::int32_t attempt, task_state to) const {
  task_move m;
  m.run = 1;
  m.parent = parent;
  m.tasks = tasks;
  m.from = from;
  m.attempt = attempt;
  m.to = to;
  m.at = now;
  m.until = now + milliseconds{1'000};
  if (to == task_state::failed || to == task_state::retrying)
    m.error = R"({"type":"boom"})";
  return m;
}

commit_reply workbench::move(task_move m) {
  change_set changes;
  changes.moves.push_back(std::move(m));
  return apply(std::move(changes));
}

commit_reply workbench::lease(task_key parent, task_range tasks,
                              std::int32_t attempt) {
  return move(
    plan(parent, tasks, task_state::pending, attempt, task_state::running));
}

std::vector<lease_record> workbench::leases() {
  return reader->load_lost_leases(kept->epoch() + 1, now, 1'000);
}

} // namespace conductor::test
