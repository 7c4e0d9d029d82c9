#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <conductor/store.hpp>

#include "tests/support/describe.hpp"

/// Two stores as one that must agree: every batch goes to both, every question
/// is asked of both, and the first difference throws `std::logic_error`.
namespace conductor::test {

/// Requires that groups hold the same tasks in the same order. How many tasks a
/// group holds is up to the store, and with it how far a limit reaches.
inline void require_same_groups(const std::vector<task_group>& left,
                                const std::vector<task_group>& right,
                                std::size_t limit) {
  const auto tasks_of = [](const std::vector<task_group>& groups) {
    std::vector<task_group> tasks;
    for (const auto& group : groups)
      for (auto key = group.tasks.first; key < group.tasks.end(); ++key) {
        tasks.push_back(group);
        tasks.back().tasks = {key, 1};
      }
    return tasks;
  };
  auto l = tasks_of(left), r = tasks_of(right);
  const auto common = std::min(l.size(), r.size());
  if (left.size() == limit)
    r.resize(common);
  if (right.size() == limit)
    l.resize(common);
  require_same("groups", l, r);
}

class pair_snapshot final : public read_snapshot {
public:
  pair_snapshot(std::unique_ptr<read_snapshot> left,
                std::unique_ptr<read_snapshot> right)
    : left_(std::move(left)), right_(std::move(right)) {}

private:
  std::unique_ptr<read_snapshot> left_, right_;
};

class pair_reader final : public store_reader {
public:
  pair_reader(std::unique_ptr<store_reader> left,
              std::unique_ptr<store_reader> right)
    : left_(std::move(left)), right_(std::move(right)) {}

  std::unique_ptr<read_snapshot> snapshot() override {
    return std::make_unique<pair_snapshot>(left_->snapshot(),
                                           right_->snapshot());
  }
  id_space ids() override {
    const auto ids = left_->ids();
    require_same("salt", ids.salt, right_->ids().salt);
    return ids;
  }
  std::vector<run_record> runs(const run_query& query) override {
    return ask("runs", [&](auto& r) { return r.runs(query); });
  }
  std::vector<task_record> tasks(const task_query& query) override {
    return ask("tasks", [&](auto& r) { return r.tasks(query); });
  }
  std::vector<parent_record> parents(const parent_query& query) override {
    return ask("parents", [&](auto& r) { return r.parents(query); });
  }
  std::vector<task_group> groups(const group_query& query) override {
    auto left = left_->groups(query);
    require_same_groups(left, right_->groups(query), query.limit);
    return left;
  }
  std::optional<task_template> load_template(task_key task) override {
    return ask("load_template", [&](auto& r) { return r.load_template(task); });
  }
  std::vector<std::string> texts(text_kind kind, task_range tasks) override {
    return ask("texts", [&](auto& r) { return r.texts(kind, tasks); });
  }
  using store_reader::find_task;
  std::optional<task_key> find_task(run_key run,
                                    std::string_view name) override {
    return ask("find_task " + std::to_string(run) + " " + std::string{name},
               [&](auto& r) { return r.find_task(run, name); });
  }
  std::vector<event_record> list_events(const event_filter& filter,
                                        event_seq after,
                                        std::size_t limit) override {
    return ask("list_events",
               [&](auto& r) { return r.list_events(filter, after, limit); });
  }
  std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                           std::size_t limit) override {
    return ask("list_event_spans",
               [&](auto& r) { return r.list_event_spans(run, after, limit); });
  }
  event_seq last_event() override {
    return ask("last_event", [](auto& r) { return r.last_event(); });
  }
  std::optional<timestamp> last_settled(run_key run) override {
    return ask("last_settled", [&](auto& r) { return r.last_settled(run); });
  }
  using store_reader::count_events;
  std::vector<std::int64_t> count_events(const std::vector<event_kind>& kinds,
                                         run_key run,
                                         timestamp since) override {
    return ask("count_events",
               [&](auto& r) { return r.count_events(kinds, run, since); });
  }
  std::vector<handler_count> count_by_handler(run_key run) override {
    return ask("count_by_handler",
               [&](auto& r) { return r.count_by_handler(run); });
  }
  state_counts count_runs() override {
    return ask("count_runs", [](auto& r) { return r.count_runs(); });
  }
  retry_metrics measure_retries(run_key run) override {
    return ask("measure_retries",
               [&](auto& r) { return r.measure_retries(run); });
  }
  std::vector<error_count> count_errors(run_key run,
                                        std::size_t limit) override {
    return ask("count_errors",
               [&](auto& r) { return r.count_errors(run, limit); });
  }
  std::vector<dependency> dependencies(run_key run) override {
    return ask("dependencies", [&](auto& r) { return r.dependencies(run); });
  }

  std::optional<timestamp> next_due_at() override {
    return ask("next_due_at", [](auto& r) { return r.next_due_at(); });
  }
  engine_record load_engine() override {
    // Process, epoch and time are the stores' own.
    auto left = left_->load_engine();
    const auto right = right_->load_engine();
    require_same("engine report", left.report, right.report);
    require_same("commits", left.commits, right.commits);
    return left;
  }

private:
  template <class Question>
  std::invoke_result_t<Question, store_reader&> ask(const std::string& what,
                                                    Question question) {
    auto left = question(*left_);
    require_same(what, left, question(*right_));
    return left;
  }

  std::unique_ptr<store_reader> left_, right_;
};

/// Throws unless the answers to one batch are equal. The order of `parents` and
/// `progress` means nothing and is not compared.
inline void require_same_result(batch_result left, batch_result right) {
  const auto by_task
    = [](const auto& x, const auto& y) { return x.task < y.task; };
  const auto by_key
    = [](const auto& x, const auto& y) { return x.key < y.key; };
  for (auto* fact : {&left.fact, &right.fact}) {
    std::sort(fact->parents.begin(), fact->parents.end(), by_task);
    std::sort(fact->progress.begin(), fact->progress.end(), by_key);
  }
  const auto &l = left.fact, &r = right.fact;
  require_same("replies", left.replies, right.replies);
  require_same("fact.number", l.number, r.number);
  require_same("fact.at", l.at, r.at);
  require_same("fact.runs", l.runs, r.runs);
  require_same("fact.parents", l.parents, r.parents);
  require_same("fact.progress", l.progress, r.progress);
  require_same("fact.moves", l.moves, r.moves);
  require_same("fact.events", l.events, r.events);
  require_same("fact.updated", l.updated, r.updated);
  require_same("fact.waits_until", l.waits_until, r.waits_until);
  require_same("fact.due", l.due, r.due);
}

class pair_store final : public store {
public:
  pair_store(std::unique_ptr<store> left, std::unique_ptr<store> right)
    : left_(std::move(left)), right_(std::move(right)) {}

  batch_result commit(std::span<const change_set> batch,
                      timestamp now) override {
    auto left = left_->commit(batch, now);
    require_same_result(left, right_->commit(batch, now));
    return left;
  }

  std::int64_t epoch() const override { return left_->epoch(); }

  void maintain() override {
    left_->maintain();
    right_->maintain();
  }

  std::unique_ptr<store_reader> open_reader() override {
    return std::make_unique<pair_reader>(left_->open_reader(),
                                         right_->open_reader());
  }

  /// The two stores, to be closed; the pair is of no use after that.
  std::pair<std::unique_ptr<store>, std::unique_ptr<store>> take() {
    return {std::move(left_), std::move(right_)};
  }

private:
  std::unique_ptr<store> left_, right_;
};

} // namespace conductor::test
