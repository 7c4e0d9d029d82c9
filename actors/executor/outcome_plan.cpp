#include "actors/executor/outcome_plan.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "actors/rules/retry_rules.hpp"

namespace conductor {

namespace {

/// An attempt that began so soon after its lease is said to have begun with
/// it: then it needs no figures of its own, and merges with its neighbours.
constexpr milliseconds begins_at_once{20};

/// How long an attempt ran, if its lease does not show it.
std::optional<milliseconds> time_of(const grant& g,
                                    const outcome_queue::entry& ended) {
  const auto& ran = ended.ran;
  if (!ran.began || *ran.began - g.leased <= begins_at_once)
    return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(ran.busy);
}

bool same_failure(const outcome& x, const outcome& y) {
  return x.error_type == y.error_type && x.error_message == y.error_message
         && x.retryable == y.retryable && x.retry_after == y.retry_after
         && x.error_details == y.error_details;
}

} // namespace

void outcome_plan::add(const grant& g, outcome_queue::entry&& ended) {
  const auto ran = time_of(g, ended);
  if (join(g, ended, ran))
    return;
  plan();
  last_ = range{.tasks = g.part({ended.which.task, 1}),
                .origin = g.origin,
                .result = std::move(ended.result),
                .ran = ran};
  if (!last_->result.output.empty())
    last_->outputs.push_back(std::move(last_->result.output));
}

bool outcome_plan::join(const grant& g, outcome_queue::entry& ended,
                        std::optional<milliseconds> ran) {
  if (!last_)
    return false;
  auto& tasks = last_->tasks;
  const auto& other = g.group;
  auto& result = ended.result;
  if (tasks.tasks.end() != ended.which.task || tasks.run != other.run
      || tasks.parent != other.parent || tasks.attempt != other.attempt
      || tasks.retry_count != other.retry_count
      || tasks.lost_count != other.lost_count || last_->ran != ran
      || last_->result.succeeded != result.succeeded
      || last_->outputs.empty() != result.output.empty())
    return false;
  if (!result.succeeded
      && (last_->origin != g.origin || !same_failure(last_->result, result)))
    return false;
  ++tasks.tasks.count;
  if (!result.output.empty())
    last_->outputs.push_back(std::move(result.output));
  return true;
}

void outcome_plan::plan() {
  if (!last_)
    return;
  if (last_->result.succeeded)
    changes_.add(
      rules::plan_success(last_->tasks, std::move(last_->outputs), last_->ran));
  else
    plan_failures();
  last_.reset();
}

/// As many as the run's budget allows are retried.
void outcome_plan::plan_failures() {
  const auto unit = std::uniform_real_distribution<double>{0, 1}(random_);
  auto tasks = last_->tasks;
  auto& outputs = last_->outputs;
  const auto all = tasks.tasks;
  const auto left = std::min(budgets_.left(tasks.run, reader_), all.count);
  if (left > 0) {
    std::vector<std::string> first;
    if (!outputs.empty()) {
      const auto end = outputs.begin() + left;
      first.assign(std::make_move_iterator(outputs.begin()),
                   std::make_move_iterator(end));
      outputs.erase(outputs.begin(), end);
    }
    tasks.tasks.count = left;
    plan_failures(tasks, std::move(first), true, unit);
  }
  if (left < all.count) {
    tasks.tasks = {all.first + left, all.count - left};
    plan_failures(tasks, std::move(outputs), false, unit);
  }
}

void outcome_plan::plan_failures(const task_group& tasks,
                                 std::vector<std::string> outputs,
                                 bool budget_left, double random) {
  const auto& result = last_->result;
  const auto details = parse_json(result.error_details);
  const rules::failure why{
    result.error_type,
    rules::error_text(result.error_type, result.error_message, tasks.attempt,
                      details ? *details : json{}),
    result.retryable, result.retry_after};
  const auto& move = changes_.add(rules::plan_failure(
    tasks, why, std::move(outputs), last_->origin->spec.retry, budget_left,
    random, last_->ran));
  if (move.budgeted) {
    budgets_.spend(tasks.run, tasks.tasks.count);
    retries_ += tasks.tasks.count;
  }
}

change_set outcome_plan::finish() {
  plan();
  return std::exchange(changes_, {});
}

} // namespace conductor
