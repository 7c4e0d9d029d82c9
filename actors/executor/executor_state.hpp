#pragma once

#include <map>
#include <random>
#include <set>
#include <unordered_map>

#include "actors/rules/lease_rules.hpp"
#include "actors/rules/retry_rules.hpp"
#include <conductor/roles.hpp>

#include "actors/executor/claim_sources.hpp"
#include "actors/executor/due_queue.hpp"
#include "actors/executor/lane.hpp"
#include "actors/executor/lease_book.hpp"
#include "actors/executor/outbox.hpp"
#include "actors/roles/pass.hpp"

namespace conductor {

/// What the executor knows: parents with claimable children, leases it holds,
/// attempts under way. No messages here; the shell is in executor.cpp.
class executor_state : public role_state {
public:
  const char* name = "executor";

  void init(role_context context, handler_map handlers);

  /// A claim and what it was planned from.
  struct claim {
    change_set changes;
    std::vector<task_key> due; ///< of its tasks, those of the due table
  };
  /// As much as the handlers have room for; nothing if `changes` is empty.
  claim plan_claims(timestamp now);
  /// Gives what was leased to the handlers.
  void start(const claim& planned, const commit_reply& reply, timestamp now);

  /// Moves for all outcomes that have come in; for none while more are to come
  /// soon and the slots have other work, unless they have waited long enough.
  change_set plan_outcomes(timestamp now, bool waited);
  /// These leases are no longer in the store.
  void released(const std::vector<task_key>& leases) {
    leases_.released(leases);
  }
  /// Events for outcomes that came too late.
  change_set plan_late(const std::vector<task_move>& moves,
                       const std::vector<refusal>& refusals, timestamp now);

  /// Tasks whose workers are gone (other epochs, deadlines passed), a page of
  /// them.
  change_set plan_lost(timestamp now);
  /// Attempts that have not begun yet go back: an engine that stops begins no
  /// more. Their handlers forget them.
  change_set plan_withdrawal(timestamp now);
  /// All attempts that are still under way, for the next engine.
  change_set plan_give_back(timestamp now);
  change_set plan_extensions(timestamp now);
  /// Attempts that have run out of time.
  void time_out(timestamp now);
  std::optional<timestamp> next_timeout() const;

  void hear(const committed& fact);
  void sweep();
  void stop_all();

  std::int64_t leased() const { return std::ssize(leased_); }

  bool reclaimed = false; ///< what others left behind is taken over
  int claims = 0;         ///< change sets under way
  int outcomes = 0;
  bool gathering = false; ///< outcomes wait for others, with a timer set
  bool writable = true;
  timestamp next_upkeep{}; ///< leases extended, tables swept
  timestamp armed_for{};   ///< when the timer fires
  std::vector<caf::typed_response_promise<stopped>> stop_waiting;
  bool out_of_patience = false; ///< what is leased may end no more
  bool giving_back = false;
  std::shared_ptr<outbox> box;

private:
  struct leased_task {
    task_brief brief; ///< `attempt` is the leased one
    std::shared_ptr<const task_origin> origin;
    lane* work = nullptr;
    task_key lease = 0; ///< first task of the lease
    timestamp timeout{};
    bool cancelled = false; ///< the task is; its handler was told
  };

  std::shared_ptr<const task_origin> origin_of(task_key task, task_key parent);
  lane* lane_of(const task_origin& origin);
  void look_from(due_position first);
  void claim_children(claim& plan, timestamp now);
  bool any_room() const;
  void claim_due(claim& plan, timestamp now);
  bool claim_one(claim& plan, const task_brief& task, lane& work,
                 timestamp now);
  void count_leased(const task_move& m, lane& work, std::int64_t n);
  std::int64_t leased_below(task_key parent) const;
  void count_below(task_key parent, std::int64_t n);
  void start_leased(const task_move& m, const std::set<task_key>& refused,
                    timestamp now);
  void start_range(const task_move& m, task_range tasks, timestamp now);
  /// An attempt is under way no more.
  void let_go(std::unordered_map<task_key, leased_task>::iterator held);
  /// An attempt that was given up has ended at last, after so long.
  void give_up_overdue(attempt_key which, std::chrono::microseconds took);
  change_set plan_returns(const std::map<task_key, std::int32_t>& attempts,
                          timestamp now);
  milliseconds time_left(task_key task, const leased_task& held);
  task_move plan_outcome(const leased_task& task, outbox::entry& entry,
                         timestamp now);
  bool spend_budget(run_key run);

  unsigned slots_ = 1;
  std::map<std::string, lane> lanes_;
  claim_sources sources_;
  due_queue due_;
  timestamp latest_due_{};                           ///< that was heard of
  std::map<task_key, std::int64_t> children_leased_; ///< by parent
  std::unordered_map<task_key, leased_task> leased_;
  lease_book leases_;
  std::set<std::pair<timestamp, task_key>> timeouts_;
  /// Attempts that were given up but still hold a slot of their handler.
  std::map<attempt_key, lane*> overdue_;
  std::map<task_key, std::shared_ptr<const task_origin>> origins_;
  struct budget_entry {
    run_record run;
    std::int64_t tasks = 0;
  };
  std::map<run_key, budget_entry> budgets_;
  std::mt19937_64 random_;
};

} // namespace conductor
