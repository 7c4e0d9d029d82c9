#include "tests/store/verify_example.hpp"

#include <conductor/care.hpp>

#include "tests/store/sqlite_file.hpp"
#include "tests/store/workbench.hpp"

namespace conductor::test {

namespace {

using enum task_state;

constexpr auto boom = R"({"attempt":1,"message":"no","type":"boom"})";

/// What happens, one commit each, a second apart.
class story {
public:
  explicit story(const std::string& path) : w_([&] { return open(path); }) {}

  void submit(std::vector<task_submission> tasks) {
    run_ = w_.submit(std::move(tasks)).key;
    run_move m{run_, run_state::pending, run_state::running, w_.now, {}};
    m.events.push_back({event_kind::run_started, "{}"});
    change_set changes;
    changes.run_starts.push_back(std::move(m));
    commit(std::move(changes));
  }

  void expand(task_key parent, std::int64_t count,
              std::vector<std::string> items) {
    change_set changes;
    changes.expansions.push_back({.run = run_,
                                  .parent = parent,
                                  .count = count,
                                  .items = std::move(items),
                                  .at = w_.now});
    commit(std::move(changes));
  }

  void lease(task_key parent, task_range tasks, std::int32_t attempt) {
    auto m = plan(parent, tasks, pending, attempt, running);
    tell(m, event_kind::task_started, "{}");
    move(std::move(m));
  }

  void succeed(task_key parent, task_key task, std::int32_t attempt,
               const std::string& output) {
    auto m = plan(parent, {task, 1}, running, attempt, succeeded);
    m.outputs = {output};
    tell(m, event_kind::task_succeeded, "{}");
    move(std::move(m));
  }

  void fail(task_key parent, task_key task, task_state to) {
    auto m = plan(parent, {task, 1}, running, 1, to);
    m.error = boom;
    const auto payload = R"({"attempt":1,"error":)" + m.error;
    tell(m, event_kind::task_failed,
         to == retrying ? payload + R"(,"retry_at":")" + to_iso(m.until) + "\"}"
                        : payload + "}");
    move(std::move(m));
  }

  void retry(task_key parent, task_key task) {
    auto m = plan(parent, {task, 1}, retrying, 1, pending);
    m.until = w_.now;
    m.retried = true;
    tell(m, event_kind::task_retried, R"({"retry_count":1})");
    move(std::move(m));
  }

  void lose(task_key task) {
    auto m = plan(0, {task, 1}, running, 1, failed);
    m.lost = true;
    m.error = R"({"attempt":1,"message":"lost","type":"lease_expired"})";
    tell(m, event_kind::task_lease_expired, "{}");
    tell(m, event_kind::task_retries_exhausted,
         R"({"because":"lease_expired"})");
    move(std::move(m));
  }

  void aggregate(task_key parent, const std::string& outputs) {
    auto m = plan(0, {parent, 1}, pending, 0, failed);
    m.error = R"({"failed":1,"message":"too many","type":"children_failed"})";
    m.outputs
      = {R"({"cancelled":0,"failed":1,"succeeded":2,"total":3,"outputs":)"
         + outputs + "}"};
    tell(m, event_kind::task_aggregated,
         R"({"failed":1,"reason":"too many","state":"FAILED"})");
    move(std::move(m));
  }

  void release(task_key first) {
    change_set changes;
    changes.released.push_back(first);
    commit(std::move(changes));
  }

  void end(run_state to) {
    run_move m{run_, run_state::running, to, w_.now, {}};
    m.events.push_back({event_kind::run_aggregated,
                        std::string{R"({"state":")"} + to_string(to) + "\"}"});
    change_set changes;
    changes.run_moves.push_back(std::move(m));
    commit(std::move(changes));
  }

private:
  task_move plan(task_key parent, task_range tasks, task_state from,
                 std::int32_t attempt, task_state to) {
    auto m = w_.plan(parent, tasks, from, attempt, to);
    m.run = run_;
    return m;
  }
  static void tell(task_move& m, event_kind kind, const std::string& payload) {
    m.events.push_back({kind, payload});
  }
  void move(task_move m) {
    change_set changes;
    changes.moves.push_back(std::move(m));
    commit(std::move(changes));
  }
  void commit(change_set changes) {
    w_.apply(std::move(changes));
    w_.now += milliseconds{1000};
  }

  workbench w_;
  run_key run_ = 0;
};

task_submission listed(const std::string& name) {
  auto p = parent(name, 3);
  p.spec.collect = collect::outputs;
  p.spec.fanout.kind = source_kind::items;
  p.spec.fanout.items = {"\"x\"", "\"y\"", "3"};
  p.spec.input = R"({"fanout":["x","y",3],"k":"v"})";
  return p;
}

void tell_first_run(story& s) {
  s.submit({leaf("a"), listed("p"), leaf("lost")});
  s.lease(0, {1, 1}, 0);
  s.lease(0, {3, 1}, 0);
  s.succeed(0, 1, 1, R"({"n":0})");
  s.lose(3);
  s.expand(2, 3, {"\"x\"", "\"y\"", "3"});
  s.lease(2, {4, 3}, 0);
  s.succeed(2, 4, 1, R"({"n":1})");
  s.fail(2, 5, retrying);
  s.fail(2, 6, failed);
  s.retry(2, 5);
  s.lease(2, {5, 1}, 1);
  s.succeed(2, 5, 2, "\"two\"");
  s.aggregate(2, R"([{"n":1},"two",null])");
  for (task_key first : {1, 3, 4, 5})
    s.release(first);
  s.end(run_state::failed);
}

void tell_second_run(story& s) {
  s.submit({leaf("waits"), leaf("again"), leaf("busy"), parent("q", 4)});
  s.lease(0, {8, 1}, 0);
  s.lease(0, {9, 1}, 0);
  s.fail(0, 8, retrying);
  s.release(8);
  s.expand(10, 3, {});
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
    s.release(15);
    s.end(run_state::succeeded);
    s.submit({leaf("next")});
  }
  if (!prune_database(path, {.run = 3}))
    throw std::runtime_error{"the third run was to be pruned"};
}

} // namespace conductor::test
