#include "actors/executor/handler_slots.hpp"

#include <algorithm>

namespace conductor {

namespace {

/// How much work is leased ahead for each slot. Enough to bridge a commit; a
/// task that begins so much later may still be said to begin with its lease.
constexpr double ahead_us = 40'000;

} // namespace

std::int64_t handler_slots::request::total() const {
  auto sum = any;
  for (const auto& [parent, tasks] : ahead)
    sum += tasks;
  return sum;
}

bool handler_slots::pace::quick() const {
  return average_us >= 0 && average_us <= ahead_us;
}

handler_slots::handler_slots(std::shared_ptr<handler> work, unsigned slots,
                             std::int64_t max_ahead, attempt_metrics& metrics)
  : work_(std::move(work)), traits_(work_->traits()), slots_(slots),
    max_ahead_(max_ahead), metrics_(metrics) {}

handler_slots::request handler_slots::ask(std::int64_t limit) {
  request asked{.news = news_};
  const auto all = slots_ + (traits_.queues ? max_ahead_ : 0);
  limit = std::min(limit, all - leased_ - asked_);
  if (limit <= 0)
    return asked;
  if (traits_.immediate || !traits_.queues) {
    asked.any = dry_ == news_ ? 0 : limit;
  } else {
    // Quick tasks do not keep a slot from others: those begin soon as well.
    auto others = slots_;
    double backlog_us = 0;
    for (const auto& [parent, p] : paces_)
      if (p.quick())
        backlog_us += p.average_us * static_cast<double>(p.leased + p.asked);
      else
        others -= p.leased;
    const auto budget_us = static_cast<double>(others) * ahead_us - backlog_us;
    if (budget_us <= 0)
      return asked;
    if (dry_ != news_)
      asked.any = std::clamp(others - asked_any_, std::int64_t{0}, limit);
    ask_ahead(asked, limit - asked.any, budget_us);
  }
  asked_any_ += asked.any;
  asked_ += asked.total();
  return asked;
}

void handler_slots::ask_ahead(request& asked, std::int64_t limit,
                              double budget_us) {
  const auto wants = [this](const auto& entry) {
    return entry.second.quick() && entry.second.dry != news_
           && !entry.second.settled;
  };
  const auto parents = std::count_if(paces_.begin(), paces_.end(), wants);
  for (auto& entry : paces_) {
    if (!wants(entry))
      continue;
    const auto share = budget_us / static_cast<double>(parents)
                       / std::max(entry.second.average_us, 1.0);
    const auto tasks = std::min(limit, static_cast<std::int64_t>(share + 1e-6));
    if (tasks <= 0)
      continue;
    limit -= tasks;
    entry.second.asked += tasks;
    asked.ahead.emplace_back(entry.first, tasks);
  }
}

void handler_slots::add_rooms(const request& asked,
                              const std::string& handler_name,
                              std::vector<handler_room>& rooms) {
  for (const auto& [parent, tasks] : asked.ahead)
    rooms.push_back({handler_name, tasks, parent});
  if (asked.any > 0)
    rooms.push_back({handler_name, asked.any, 0});
}

void handler_slots::answer(const request& asked,
                           const std::map<task_key, std::int64_t>& granted) {
  std::int64_t any = 0;
  for (const auto& [parent, tasks] : granted)
    any += tasks;
  for (const auto& [parent, tasks] : asked.ahead) {
    const auto found = granted.find(parent);
    const auto got
      = found == granted.end() ? 0 : std::min(found->second, tasks);
    auto& p = pace_of(parent);
    p.asked -= tasks;
    if (got < tasks)
      p.dry = asked.news;
    any -= got;
    drop_if_done(parent);
  }
  if (any < asked.any)
    dry_ = asked.news;
  asked_any_ -= asked.any;
  asked_ -= asked.total();
}

void handler_slots::begin(task_key parent, std::int64_t attempts) {
  auto& p = pace_of(parent);
  p.settled = false; // perhaps it is open again
  p.leased += attempts;
  leased_ += attempts;
}

void handler_slots::end(task_key parent, microseconds busy) {
  auto& p = pace_of(parent);
  const auto us = static_cast<double>(busy.count());
  if (parent != 0)
    p.average_us = p.average_us < 0 ? us : p.average_us * 0.9 + us * 0.1;
  release(parent, 1);
}

void handler_slots::release(task_key parent, std::int64_t attempts) {
  pace_of(parent).leased -= attempts;
  leased_ -= attempts;
  drop_if_done(parent);
}

void handler_slots::hold_up(task_key parent) {
  auto& average_us = pace_of(parent).average_us;
  if (parent != 0)
    average_us = std::max(average_us, 2 * ahead_us);
}

void handler_slots::forget(task_key parent) {
  if (const auto found = paces_.find(parent); found != paces_.end()) {
    found->second.settled = true;
    drop_if_done(parent);
  }
}

void handler_slots::drop_if_done(task_key parent) {
  const auto found = paces_.find(parent);
  const auto& p = found->second;
  if (p.settled && p.leased == 0 && p.asked == 0)
    paces_.erase(found);
}

bool handler_slots::any_waiting() const {
  return traits_.queues && !traits_.immediate && leased_ > slots_;
}

} // namespace conductor
