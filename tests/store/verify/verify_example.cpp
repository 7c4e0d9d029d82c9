#include "tests/store/verify/verify_example.hpp"

#include <stdexcept>

#include <conductor/admin.hpp>

#include "tests/store/sqlite/sqlite_file.hpp"
#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

constexpr auto boom = R"({"attempt":1,"message":"no","type":"boom"})";

/// What happens, one commit each, a second apart.
class story {
public:
  explicit story(const std::string& path) : w_(open(path)) {}

  list_key upload(std::vector<std::string> items) {
    const auto list
      = w_.apply_parts(append_items{.items = std::move(items)}).lists.at(0);
    pass_time();
    return list;
  }

  void submit(std::vector<task_submission> tasks) {
    run_ = w_.submit(std::move(tasks)).key;
    commit(start_of_run(run_));
  }

  void expand(task_key parent, std::int64_t count, std::int64_t total) {
    expand_parent e{.run = run_, .parent = parent, .count = count};
    e.before
      = {{run_, 0, fanout_started()}, {run_, parent, fanout_detected(total)}};
    if (count == total)
      e.after
        = {{run_, parent, fanout_ended(event_kind::fanout_completed, total)},
           {run_, 0, fanout_ended(event_kind::fanout_finished, total)}};
    commit(std::move(e));
  }

  void lease(task_key parent, task_range tasks, std::int32_t attempt) {
    auto m = plan(parent, tasks, pending, attempt, running);
    m.events = {task_started(attempt + 1)};
    commit(std::move(m));
  }

  /// `took`: known better than by the time of the lease.
  void succeed(task_key parent, task_key task, std::int32_t attempt,
               const std::string& output,
               std::optional<milliseconds> took = {}) {
    auto m = plan(parent, {task, 1}, running, attempt, succeeded);
    m.outputs = {output};
    m.ran = took.value_or(m.ran);
    m.events = {task_succeeded(attempt, took)};
    commit(std::move(m));
  }

  void fail(task_key parent, task_key task, task_state to) {
    auto m = plan(parent, {task, 1}, running, 1, to);
    m.error = boom;
    m.ran = milliseconds{300};
    m.budgeted = to == retrying;
    m.events = {task_failed(1, boom, to == retrying, m.ran)};
    if (to == failed)
      m.events.push_back(task_retries_exhausted(0, 0, reason::max_retries));
    commit(std::move(m));
  }

  void retry(task_key parent, task_key task) {
    auto m = plan(parent, {task, 1}, retrying, 1, pending);
    m.retried = true;
    m.events = {task_retried(1)};
    commit(std::move(m));
  }

  void give_back(task_key task) {
    auto lost = plan(0, {task, 1}, running, 1, retrying);
    lost.error.clear();
    lost.delay = milliseconds{0};
    lost.events = {task_lease_expired(1, 0, reason::stopped)};
    auto again = plan(0, {task, 1}, retrying, 1, pending);
    again.events = {task_retried_after_loss(0, 0)};
    commit(std::move(lost), std::move(again));
  }

  void lose(task_key task) {
    auto m = plan(0, {task, 1}, running, 1, failed);
    m.lost = true;
    m.error = R"({"attempt":1,"message":"lost","type":"lease_expired"})";
    m.events = {task_lease_expired(1, 1),
                task_retries_exhausted(0, -1, reason::lease_expired)};
    commit(std::move(m));
  }

  void aggregate(task_key parent, const std::string& outputs) {
    const auto counts = w_.progress(parent);
    auto m = plan(0, {parent, 1}, pending, 0, failed);
    m.error = R"({"failed":1,"message":")"
              + std::string{reason::children_failed}
              + R"(","type":"children_failed"})";
    m.outputs
      = {R"({"cancelled":0,"failed":1,"succeeded":2,"total":3,"outputs":)"
         + outputs + "}"};
    m.events = {task_aggregated(failed, counts, reason::children_failed)};
    commit(std::move(m));
  }

  void end(run_state to) {
    commit(move_run{
      run_, run_state::running, to, {run_aggregated(to, w_.run(run_))}});
  }

private:
  move_tasks plan(task_key parent, task_range tasks, task_state from,
                  std::int32_t attempt, task_state to) {
    auto m = w_.plan(parent, tasks, from, attempt, to);
    m.run = run_;
    return m;
  }
  template <class... Parts>
  void commit(Parts... parts) {
    const auto reply = w_.apply_parts(std::move(parts)...);
    if (!reply.refusals.empty())
      throw std::logic_error{"a part of the example was refused"};
    pass_time();
  }
  void pass_time() { w_.now += milliseconds{1000}; }

  workbench w_;
  run_key run_ = 0;
};

task_submission listed(const std::string& name, list_key list) {
  auto p = parent(name, 3);
  p.items = list;
  p.spec.collect = collect::outputs;
  p.spec.max_concurrency = 3;
  p.spec.fanout = {.kind = source_kind::items, .count = 3};
  p.spec.input = R"({"k":"v"})";
  return p;
}

void tell_first_run(story& s) {
  const auto list = s.upload({"\"x\"", "\"y\"", "3"});
  s.submit({leaf("a"), listed("p", list), leaf("lost")});
  s.lease(0, {1, 1}, 0);
  s.lease(0, {3, 1}, 0);
  s.succeed(0, 1, 1, R"({"n":0})");
  s.lose(3);
  s.expand(2, 3, 3);
  s.lease(2, {4, 3}, 0);
  s.succeed(2, 4, 1, R"({"n":1})", milliseconds{400});
  s.fail(2, 5, retrying);
  s.fail(2, 6, failed);
  s.retry(2, 5);
  s.lease(2, {5, 1}, 1);
  s.succeed(2, 5, 2, "\"two\"");
  s.aggregate(2, R"([{"n":1},"two",null])");
  s.end(run_state::failed);
}

void tell_second_run(story& s) {
  s.submit({leaf("waits"), leaf("again"), leaf("busy"), parent("q", 4)});
  s.lease(0, {7, 3}, 0);
  s.give_back(7);
  s.fail(0, 8, retrying);
  s.expand(10, 3, 4);
  s.lease(10, {11, 2}, 0);
  s.fail(10, 12, retrying);
  s.retry(10, 12);
}

} // namespace

void write_example(const std::string& path) {
  {
    story s{path};
    tell_first_run(s);
    tell_second_run(s);
    s.submit({leaf("old")});
    s.lease(0, {15, 1}, 0);
    s.succeed(0, 15, 1, "1");
    s.end(run_state::succeeded);
    s.submit({leaf("next")});
  }
  if (!prune_database(path, {.run = 3}))
    throw std::runtime_error{"the third run was to be pruned"};
}

} // namespace conductor::test
