#pragma once

#include <map>
#include <random>
#include <string_view>

#include "actors/executor/attempt_table.hpp"
#include "actors/executor/handler_slots.hpp"
#include "actors/executor/outcome_queue.hpp"
#include "actors/executor/retry_budgets.hpp"
#include "actors/executor/template_cache.hpp"
#include "actors/roles/role.hpp"

namespace conductor {

/// The executor's state: the room of its handlers, the attempts under way,
/// what the runs may still retry. No messages here; see executor.cpp.
class executor_state : public role_state {
public:
  const char* name = "executor";

  void init(role_context given, handler_map handlers);

  /// The request of one claim, per handler.
  using asked_rooms = std::map<std::string, handler_slots::request>;
  /// As much as the handlers have room for; empty if there is no room, or
  /// nothing is known to be claimable.
  asked_rooms ask();
  static change_set plan_claim(const asked_rooms& asked);
  /// The claim was answered.
  void answer(const asked_rooms& asked, const commit_reply& reply);
  /// Gives granted attempts to the handlers.
  void start(const commit_reply& reply);

  /// Moves for all outcomes that were reported; none while more are expected
  /// soon and the slots have other work, unless they have `waited` enough.
  change_set plan_outcomes(bool waited);
  void count_late(const std::vector<refusal>& refusals);

  /// The moves of a page of tasks whose engine is gone; `after` is the last
  /// task of the page before, and is moved on.
  change_set plan_lost(task_key& after);
  /// Takes back what the handlers have not begun, as the engine stops.
  change_set withdraw_all();
  /// Takes back what has waited in a handler for too long.
  change_set withdraw_overdue();
  static change_set plan_releases(const std::vector<task_group>& groups,
                                  std::string_view because);
  /// The moves of all attempts that are still under way, for the next engine.
  change_set plan_give_back() const;
  /// Attempts that have run out of time.
  void time_out(timestamp now);
  /// When timeouts or waiting attempts have to be looked at.
  std::optional<timestamp> next_check() const;

  void hear(const committed& fact);
  void hear_news();
  void stop_all();

  std::int64_t unsettled() const { return attempts_.unsettled(); }

  bool reclaimed = false; ///< what others left behind is taken over
  int claims = 0;         ///< change sets under way
  int outcomes = 0;
  bool gathering = false; ///< outcomes wait for others, with a timer set
  bool writable = true;
  timestamp next_sweep{};
  timestamp armed_for{}; ///< when the timer fires
  std::vector<owed_reply<stopped>> stop_waiting;
  bool out_of_patience = false; ///< what is leased may not end any more
  bool giving_back = false;
  std::shared_ptr<outcome_queue> box;

private:
  void start_group(const task_group& group, timestamp leased_at);
  void start_attempts(grant& g);
  milliseconds time_left(const grant& g, task_key task);
  void time_out(grant& g, timestamp now);
  void settle(outcome_queue::entry& entry, class outcome_plan& plan);

  unsigned slots_ = 1;
  std::map<std::string, handler_slots> handlers_;
  std::string last_served_; ///< handler that the last claim began with
  attempt_table attempts_;
  template_cache templates_;
  retry_budgets budgets_;
  timestamp next_withdrawal_{}; ///< none while nothing waits
  std::mt19937_64 random_;
};

} // namespace conductor
