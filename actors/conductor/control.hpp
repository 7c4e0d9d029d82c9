#pragma once

#include <cstdint>
#include <string>

#include <conductor/inspect.hpp>
#include <conductor/policy.hpp>
#include <conductor/run_spec.hpp>

/// These values describe changes of a run that still works, so that a program,
/// a message and a request from outside can mean the same.
namespace conductor {

/// Cancels, pauses, continues or changes a run.
struct run_change {
  enum class kind : std::uint8_t {
    cancel,  ///< what has not settled is CANCELLED; it cannot be taken back
    pause,   ///< nothing of it begins until it continues; what runs may end
    unpause, ///< it continues
    update   ///< sets `priority`, `deadline` or both
  };
  kind what = kind::update;
  std::string run_id; ///< "" = all runs, those of the future included; only
                      ///< for `pause` and `unpause`
  std::int32_t priority = 0; ///< 1 (first) to 5; 0 = leave
  moment deadline;           ///< from now on, or a time; not set = leave

  CONDUCTOR_MESSAGE(run_change, x.what, x.run_id, x.priority, x.deadline)
};

/// Cancels or changes a task: a leaf, or a parent with all its children.
struct task_change {
  std::string task_id;
  bool cancel = false;
  count_or_percent tolerate{-1, 0};  ///< a negative count = leave
  std::int64_t max_concurrency = -1; ///< 0 = no bound; negative = leave
  std::int32_t priority = 0;         ///< 0 = leave

  CONDUCTOR_MESSAGE(task_change, x.task_id, x.cancel, x.tolerate,
                    x.max_concurrency, x.priority)
};

/// The reply to a manual retry.
struct retry_reply {
  std::int64_t tasks = 0;      ///< leaves that will be tried again
  std::int64_t dependents = 0; ///< skipped tasks that wait again

  CONDUCTOR_MESSAGE(retry_reply, x.tasks, x.dependents)
};

struct change_reply {
  std::string run_id;     ///< "" = all runs
  std::int64_t tasks = 0; ///< leaves concerned
  bool changed = false;   ///< false: it was so already

  CONDUCTOR_MESSAGE(change_reply, x.run_id, x.tasks, x.changed)
};

} // namespace conductor
