#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <conductor/change_set.hpp>
#include <conductor/handler.hpp>
#include <conductor/metrics.hpp>

namespace conductor {

/// How many tasks one handler may have. Tasks are leased up to the free slots;
/// children whose siblings took so little time that they will begin soon are
/// leased ahead, so that a slot need not wait for a commit. Attempts are
/// counted by parent; those of top-level tasks, as of parent 0, are never
/// leased ahead: each is an execution of its own.
class handler_slots {
public:
  using microseconds = std::chrono::microseconds;
  using ahead_room = std::pair<task_key, std::int64_t>;

  /// The request of one claim.
  struct request {
    std::int64_t any = 0;          ///< tasks of whichever parent
    std::vector<ahead_room> ahead; ///< children of these parents, in addition
    std::uint64_t news = 0;        ///< how much had been heard of by then

    std::int64_t total() const;
  };

  /// `max_ahead` tasks are leased beyond the slots at most.
  handler_slots(std::shared_ptr<handler> work, unsigned slots,
                std::int64_t max_ahead, attempt_metrics& metrics);

  handler& work() const { return *work_; }
  const handler_traits& traits() const { return traits_; }
  attempt_metrics& metrics() const { return metrics_; }

  /// Tasks that could not be claimed before may be claimed now.
  void hear_news() { ++news_; }
  /// What to ask for, at most `limit` tasks. It counts as leased until the
  /// answer.
  request ask(std::int64_t limit);
  /// The rooms of a request, those of single parents first.
  static void add_rooms(const request& asked, const std::string& handler_name,
                        std::vector<handler_room>& rooms);
  /// The claim was answered, with so many tasks of each parent. A room that
  /// was not filled is not asked for again before there are news.
  void answer(const request& asked,
              const std::map<task_key, std::int64_t>& granted);

  /// Attempts are given to the handler.
  void begin(task_key parent, std::int64_t attempts);
  /// An attempt was executed.
  void end(task_key parent, microseconds busy);
  /// Attempts were taken back.
  void release(task_key parent, std::int64_t attempts);
  /// An attempt has kept others from beginning: no more of its siblings are
  /// leased ahead before several have shown to be short.
  void hold_up(task_key parent);
  /// A parent has settled.
  void forget(task_key parent);

  std::int64_t leased() const { return leased_; }
  /// Whether there are attempts without a slot.
  bool any_waiting() const;

private:
  struct pace {
    double average_us = -1; ///< of recent attempts; negative = none yet
    std::int64_t leased = 0, asked = 0;
    std::uint64_t dry = 0; ///< the news at which nothing was left
    bool settled = false;

    bool quick() const;
  };

  void ask_ahead(request& asked, std::int64_t limit, double budget_us);
  pace& pace_of(task_key parent) { return paces_[parent]; }
  void drop_if_done(task_key parent);

  std::shared_ptr<handler> work_;
  handler_traits traits_;
  std::int64_t slots_;
  std::int64_t max_ahead_;
  attempt_metrics& metrics_;
  std::map<task_key, pace> paces_;
  std::int64_t leased_ = 0, asked_ = 0, asked_any_ = 0;
  std::uint64_t news_ = 1, dry_ = 0;
};

} // namespace conductor
