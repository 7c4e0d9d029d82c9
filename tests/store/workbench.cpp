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

submission run_of(std::vector<task_submission> tasks,
                  const std::string& idempotency_key) {
  submission s;
  s.name = "run";
  s.idempotency_key = idempotency_key;
  s.tasks = std::move(tasks);
  return s;
}

expand_parent page(std::int64_t first, std::int64_t count) {
  return {.run = 1, .parent = 1, .first = first, .count = count};
}

claim_tasks claim_of(std::int64_t tasks, std::int64_t limit) {
  return {{{"work", tasks}}, limit};
}

std::vector<task_group> merged(const std::vector<task_group>& groups) {
  std::vector<task_group> out;
  for (const auto& group : groups) {
    if (!out.empty() && out.back().tasks.end() == group.tasks.first) {
      auto same = out.back();
      same.tasks = group.tasks;
      if (same == group) {
        out.back().tasks.count += group.tasks.count;
        continue;
      }
    }
    out.push_back(group);
  }
  return out;
}

batch_result workbench::commit(std::vector<change_set> batch) {
  return kept->commit(batch, now);
}

batch_result workbench::commit(change_set changes) {
  return kept->commit({&changes, 1}, now);
}

commit_reply workbench::apply(change_set changes) {
  return commit(std::move(changes)).replies.at(0);
}

submitted_run workbench::submit(std::vector<task_submission> tasks,
                                const std::string& idempotency_key) {
  return apply_parts(run_of(std::move(tasks), idempotency_key)).runs.at(0);
}

void workbench::submit_children(std::int64_t total) {
  submit({parent("p", total)});
  expand(1, 1, total);
}

commit_reply workbench::expand(task_key parent, std::int64_t first,
                               std::int64_t count) {
  auto e = page(first, count);
  e.parent = parent;
  return apply_parts(std::move(e));
}

move_tasks workbench::plan(task_key parent, task_range tasks, task_state from,
                           std::int32_t attempt, task_state to) const {
  move_tasks m;
  m.run = 1;
  m.parent = parent;
  m.tasks = tasks;
  m.from = from;
  m.attempt = attempt;
  m.to = to;
  if (to == task_state::retrying)
    m.delay = milliseconds{1'000};
  if (to == task_state::failed || to == task_state::retrying)
    m.error = R"({"type":"boom"})";
  return m;
}

commit_reply workbench::move(move_tasks m) {
  return apply_parts(std::move(m));
}

commit_reply workbench::lease(task_key parent, task_range tasks,
                              std::int32_t attempt) {
  return move(
    plan(parent, tasks, task_state::pending, attempt, task_state::running));
}

std::vector<task_group> workbench::claim(std::int64_t tasks) {
  return apply_parts(claim_of(tasks)).granted;
}

} // namespace conductor::test
