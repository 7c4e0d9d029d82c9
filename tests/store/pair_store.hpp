#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <conductor/store.hpp>

#include "tests/support/describe.hpp"

/// Two stores as one that must agree: every batch goes to both, every question
/// is asked of both, and the first difference throws `std::logic_error`.
namespace conductor::test {

/// Leases carry the epoch of the store that wrote them; the pair shows the left
/// one's.
struct epoch_pair {
  std::int64_t left = 0, right = 0;

  std::int64_t for_right(std::int64_t epoch) const {
    return epoch == left ? right : epoch;
  }
};

class pair_reader final : public store_reader {
public:
  pair_reader(std::unique_ptr<store_reader> left,
              std::unique_ptr<store_reader> right, epoch_pair epochs)
    : left_(std::move(left)), right_(std::move(right)), epochs_(epochs) {}

  id_space ids() override {
    const auto ids = left_->ids();
    require_same("salt", ids.salt, right_->ids().salt);
    return ids;
  }
  std::optional<run_record> load_run(run_key run) override {
    return ask("load_run", &store_reader::load_run, run);
  }
  std::optional<run_key>
  find_run_by_idempotency_key(const std::string& text) override {
    return ask("find_run_by_idempotency_key",
               &store_reader::find_run_by_idempotency_key, text);
  }
  std::vector<run_record> load_open_runs(run_key after,
                                         std::size_t limit) override {
    return ask("load_open_runs", &store_reader::load_open_runs, after, limit);
  }
  std::optional<fanout_record> load_fanout(task_key parent) override {
    return ask("load_fanout", &store_reader::load_fanout, parent);
  }
  std::vector<fanout_record> load_open_fanouts(task_key after,
                                               std::size_t limit) override {
    return ask("load_open_fanouts", &store_reader::load_open_fanouts, after,
               limit);
  }
  std::optional<task_origin> load_origin(task_key task) override {
    return ask("load_origin", &store_reader::load_origin, task);
  }
  std::vector<due_task> load_due(timestamp now, due_position after,
                                 std::size_t limit) override {
    return ask("load_due", &store_reader::load_due, now, after, limit);
  }
  std::vector<task_brief> load_retries_due(timestamp now,
                                           std::size_t limit) override {
    return ask("load_retries_due", &store_reader::load_retries_due, now, limit);
  }
  std::optional<timestamp> next_retry_at() override {
    return ask("next_retry_at", &store_reader::next_retry_at);
  }
  std::vector<std::string> load_items(task_range children) override {
    return ask("load_items", &store_reader::load_items, children);
  }
  std::vector<lease_record> load_lost_leases(std::int64_t epoch, timestamp now,
                                             std::size_t limit) override {
    auto left = left_->load_lost_leases(epoch, now, limit);
    auto right = right_->load_lost_leases(epochs_.for_right(epoch), now, limit);
    for (auto& lease : right)
      if (lease.epoch == epochs_.right)
        lease.epoch = epochs_.left;
    require_same("load_lost_leases", left, right);
    return left;
  }
  std::vector<task_brief> load_running(task_range tasks) override {
    return ask("load_running", &store_reader::load_running, tasks);
  }
  std::vector<std::string> load_outputs(task_range tasks) override {
    return ask("load_outputs", &store_reader::load_outputs, tasks);
  }
  std::optional<run_key> find_run(std::string_view id) override {
    return ask("find_run", &store_reader::find_run, id);
  }
  std::optional<task_key> find_task(std::string_view id) override {
    const auto left = left_->find_task(id), right = right_->find_task(id);
    require_same("find_task " + std::string{id}, left, right);
    return left;
  }
  std::optional<task_key> find_task(run_key run,
                                    std::string_view name) override {
    const auto left = left_->find_task(run, name);
    require_same("find_task " + std::to_string(run) + " " + std::string{name},
                 left, right_->find_task(run, name));
    return left;
  }
  std::optional<task_record> load_task(task_key task) override {
    return ask("load_task", &store_reader::load_task, task);
  }
  std::vector<run_record> list_runs(const run_filter& filter, run_key before,
                                    std::size_t limit) override {
    return ask("list_runs", &store_reader::list_runs, filter, before, limit);
  }
  std::vector<task_record> list_tasks(const task_filter& filter, task_key after,
                                      std::size_t limit) override {
    return ask("list_tasks", &store_reader::list_tasks, filter, after, limit);
  }
  std::vector<event_record> list_events(const event_filter& filter,
                                        event_seq after,
                                        std::size_t limit) override {
    return ask("list_events", &store_reader::list_events, filter, after, limit);
  }
  state_counts count_leaves(run_key run) override {
    return ask("count_leaves", &store_reader::count_leaves, run);
  }
  std::vector<fanout_record> list_fanouts(run_key run) override {
    return ask("list_fanouts", &store_reader::list_fanouts, run);
  }
  std::vector<task_record> list_stuck(run_key run, timestamp started_before,
                                      std::size_t limit) override {
    return ask("list_stuck", &store_reader::list_stuck, run, started_before,
               limit);
  }
  std::vector<task_error> list_errors(run_key run, task_key after,
                                      std::size_t limit) override {
    return ask("list_errors", &store_reader::list_errors, run, after, limit);
  }
  std::optional<timestamp> last_settled(run_key run) override {
    return ask("last_settled", &store_reader::last_settled, run);
  }
  std::vector<task_record> list_slowest(run_key run,
                                        std::size_t limit) override {
    return ask("list_slowest", &store_reader::list_slowest, run, limit);
  }
  retry_metrics measure_retries(run_key run) override {
    return ask("measure_retries", &store_reader::measure_retries, run);
  }
  std::vector<std::int64_t> count_events(const std::vector<event_kind>& kinds,
                                         run_key run,
                                         timestamp since) override {
    return ask<std::vector<std::int64_t>, const std::vector<event_kind>&,
               run_key, timestamp>("count_events", &store_reader::count_events,
                                   kinds, run, since);
  }
  event_seq last_event() override {
    return ask("last_event", &store_reader::last_event);
  }
  std::vector<handler_count> count_by_handler() override {
    return ask("count_by_handler", &store_reader::count_by_handler);
  }
  state_counts count_runs() override {
    return ask("count_runs", &store_reader::count_runs);
  }
  std::optional<timestamp> oldest_due(timestamp now) override {
    return ask("oldest_due", &store_reader::oldest_due, now);
  }
  engine_record load_engine() override {
    // Process, epoch and time are the stores' own.
    auto left = left_->load_engine();
    const auto right = right_->load_engine();
    require_same("engine report", left.report, right.report);
    require_same("commits", left.commits, right.commits);
    return left;
  }
  std::vector<event_span> list_event_spans(run_key run, event_seq after,
                                           std::size_t limit) override {
    return ask("list_event_spans", &store_reader::list_event_spans, run, after,
               limit);
  }

private:
  template <class Result, class... Params, class... Args>
  Result ask(const std::string& question,
             Result (store_reader::*method)(Params...), const Args&... args) {
    auto left = ((*left_).*method)(args...);
    require_same(question, left, ((*right_).*method)(args...));
    return left;
  }

  std::unique_ptr<store_reader> left_, right_;
  epoch_pair epochs_;
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
  require_same("fact.runs", l.runs, r.runs);
  require_same("fact.parents", l.parents, r.parents);
  require_same("fact.progress", l.progress, r.progress);
  require_same("fact.moves", l.moves, r.moves);
  require_same("fact.events", l.events, r.events);
}

class pair_store final : public store {
public:
  pair_store(std::unique_ptr<store> left, std::unique_ptr<store> right)
    : left_(std::move(left)), right_(std::move(right)) {}

  batch_result commit(std::vector<change_set>& batch) override {
    auto copy = batch; // a store may use a batch up
    auto left = left_->commit(copy);
    require_same_result(left, right_->commit(batch));
    return left;
  }

  std::int64_t epoch() const override { return left_->epoch(); }

  void maintain() override {
    left_->maintain();
    right_->maintain();
  }

  std::unique_ptr<store_reader> open_reader() override {
    return std::make_unique<pair_reader>(
      left_->open_reader(), right_->open_reader(),
      epoch_pair{left_->epoch(), right_->epoch()});
  }

private:
  std::unique_ptr<store> left_, right_;
};

} // namespace conductor::test
