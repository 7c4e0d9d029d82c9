#include "tests/apps/random/run_audit.hpp"

#include <algorithm>

namespace orcon::test {

using namespace conductor;

namespace {

std::string show(const event_counts& events) {
  return dump(json(events));
}

class audit {
public:
  audit(store_reader& reader, run_key run, const prediction& wanted)
    : run_(*reader.load_run(run)), wanted_(wanted) {
    for (task_key after = 0;;) {
      const auto page = reader.list_tasks({.run = run}, after, 500);
      for (const auto& t : page)
        tasks_[t.name] = t;
      if (page.empty())
        break;
      after = page.back().key;
    }
    for (event_seq after = 0;;) {
      const auto page = reader.list_events({.run = run}, after, 500);
      for (const auto& e : page)
        ++events_[e.task_name][e.name];
      if (page.empty())
        break;
      after = page.back().seq;
    }
  }

  std::vector<std::string> complaints() {
    for (const auto& t : wanted_.tasks)
      check_task(t);
    check_run();
    for (const auto& [name, task] : tasks_)
      if (seen_.count(name) == 0)
        say(name, "nobody asked for it");
    return complaints_;
  }

private:
  void say(const std::string& name, const std::string& what) {
    complaints_.push_back(name + ": " + what);
  }
  template <class T>
  void equal(const std::string& name, const char* what, const T& is,
             const T& wanted) {
    if (is != wanted)
      say(name, std::string{what} + " is " + dump(json(is)) + ", not "
                  + dump(json(wanted)));
  }
  void equal_events(const std::string& name, const event_counts& wanted) {
    if (events_[name] != wanted)
      say(name, "events " + show(events_[name]) + ", not " + show(wanted));
  }

  void check_task(const task_prediction& t) {
    // Whoever runs short of the budget may trip over failures of its own.
    const auto free = t.fail_fast && (t.trips() || wanted_.short_of_budget());
    state_counts counts;
    json outputs = json::array();
    for (const auto& leaf : t.leaves) {
      check_leaf(leaf, free);
      const auto& child = tasks_[leaf.name];
      ++counts[child.state];
      outputs.push_back(child.output.empty() ? json()
                                             : json::parse(child.output));
    }
    if (t.parent)
      check_parent(t, counts, outputs, free);
    else
      ++top_[to_string(tasks_[t.name].state)];
  }

  void check_leaf(const leaf_prediction& leaf, bool free) {
    seen_[leaf.name] = true;
    const auto found = tasks_.find(leaf.name);
    if (found == tasks_.end()) {
      // What fail_fast kept from being created has never been there.
      if (!free)
        say(leaf.name, "is not there");
      tasks_[leaf.name].state = task_state::cancelled;
      return;
    }
    const auto& task = found->second;
    equal(leaf.name, "lost_count", task.lost_count, 0);
    if (task.state == task_state::cancelled)
      return free ? check_cancelled(task, leaf)
                  : say(leaf.name, "is CANCELLED, and nobody asked for it");
    const auto cut = wanted_.short_of_budget()
                     && task.state == task_state::failed
                     && task.retry_count < leaf.retries;
    const std::int64_t retries = cut ? task.retry_count : leaf.retries;
    const auto state = cut ? "FAILED" : leaf.state;
    retries_ += task.retry_count;
    equal<std::string>(leaf.name, "state", to_string(task.state), state);
    equal<std::int64_t>(leaf.name, "retry_count", task.retry_count, retries);
    equal<std::int64_t>(leaf.name, "attempt", task.attempt, retries + 1);
    equal_events(leaf.name, events_of_leaf(retries + 1, state));
    if (cut)
      return;
    equal(leaf.name, "output", task.output, leaf.output);
    const auto error
      = task.last_error.empty() ? json::object() : json::parse(task.last_error);
    equal(leaf.name, "last_error.type", error.value("type", ""),
          leaf.error_type);
  }

  /// Cancelled before it was due, while it ran, or while a retry waited.
  void check_cancelled(const task_record& task, const leaf_prediction& leaf) {
    auto& e = events_[task.name];
    equal<std::int64_t>(task.name, "task.cancelled", e["task.cancelled"], 1);
    equal<std::int64_t>(task.name, "task.created", e["task.created"], 1);
    equal<std::int64_t>(task.name, "task.succeeded", e["task.succeeded"], 0);
    equal<std::int64_t>(task.name, "attempt", task.attempt, e["task.started"]);
    if (task.retry_count > leaf.retries)
      say(task.name, "was retried too often");
    const auto running = e["task.started"] - e["task.failed"];
    if (running < 0 || running > 1)
      say(task.name, "events " + show(e));
  }

  void check_parent(const task_prediction& t, const state_counts& counts,
                    const json& outputs, bool free) {
    seen_[t.name] = true;
    const auto& task = tasks_[t.name];
    const auto state
      = state_of_parent(counts.failed, counts.cancelled, t.tolerated);
    ++top_[state];
    equal<std::string>(t.name, "state", to_string(task.state), state);
    equal(t.name, "attempt", task.attempt, 0);
    equal(t.name, "retry_count", task.retry_count, 0);
    auto output = task.output.empty() ? json() : json::parse(task.output);
    if (free) {
      if (t.trips())
        equal<std::string>(t.name, "state", to_string(task.state), "FAILED");
      return;
    }
    json wanted{{"total", std::ssize(t.leaves)},
                {"succeeded", counts.succeeded},
                {"failed", counts.failed},
                {"cancelled", counts.cancelled}};
    if (t.collect)
      wanted["outputs"] = outputs;
    equal(t.name, "output", output, wanted);
    equal_events(t.name, events_of_parent(t.leaves.empty()));
  }

  void check_run() {
    const auto state = state_of_parent(top_["FAILED"], top_["CANCELLED"], 0);
    equal<std::string>("run", "state", to_string(run_.state), state);
    auto& e = events_[""];
    for (const auto* once : {"run.created", "run.started", "run.aggregated"})
      equal<std::int64_t>("run", once, e[once], 1);
    const auto parents
      = std::count_if(wanted_.tasks.begin(), wanted_.tasks.end(),
                      [](const auto& t) { return t.parent; });
    equal<std::int64_t>("run", "worker.fanout.started",
                        e["worker.fanout.started"], parents);
    for (const auto* pass :
         {"worker.fanout", "worker.aggregate", "worker.retry"})
      equal("run", pass, e[std::string{pass} + ".finished"],
            e[std::string{pass} + ".started"]);
    check_retries(e);
  }

  void check_retries(event_counts& e) {
    const auto free = std::any_of(
      wanted_.tasks.begin(), wanted_.tasks.end(), [&](const auto& t) {
        return t.fail_fast && (t.trips() || wanted_.short_of_budget());
      });
    const auto most
      = wanted_.short_of_budget() ? wanted_.budget : wanted_.retries;
    if (run_.retries > most)
      say("run", std::to_string(run_.retries) + " retries are more than "
                   + std::to_string(most));
    if (free)
      return;
    equal("run", "retries", run_.retries, most);
    equal("run", "sum of retry_count", retries_, most);
    equal("run", "a retry pass", e["worker.retry.started"] > 0, most > 0);
  }

  run_record run_;
  const prediction& wanted_;
  std::map<std::string, task_record> tasks_;
  std::map<std::string, event_counts> events_; ///< by name; "" = the run's
  std::map<std::string, bool> seen_;
  std::map<std::string, std::int64_t> top_;
  std::int64_t retries_ = 0;
  std::vector<std::string> complaints_;
};

} // namespace

std::vector<std::string> audit_run(store_reader& reader, run_key run,
                                   const prediction& wanted) {
  return audit{reader, run, wanted}.complaints();
}

} // namespace orcon::test
