#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include <conductor/handler.hpp>

namespace conductor {

/// The task that a handler function executes. Valid until the function
/// returns.
class task_context {
public:
  task_context(const conductor::attempt& work,
               const std::atomic<bool>& cancelled)
    : work_(work), cancelled_(cancelled) {}

  const std::string& run_id() const { return work_.origin->run_id; }
  std::string task_id() const { return work_.task_id(); }
  /// "hash#12"; a top-level task has its plain name.
  std::string name() const { return work_.name(); }
  /// Number among the children, from 1; 0 for a top-level task.
  std::int64_t index() const { return work_.index; }
  /// 1 for the first attempt. An attempt whose work was done may be lost, so
  /// that another follows.
  std::int32_t attempt() const { return work_.number; }
  /// The item of this child; null for a top-level task.
  json item() const;
  /// The same as JSON text; "" for a top-level task.
  const std::string& item_text() const { return work_.item; }
  json input() const { return work_.input(); }
  /// Whether the attempt should stop: it timed out, was cancelled, or the
  /// engine stops. Long functions should check this now and then.
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

private:
  const conductor::attempt& work_;
  const std::atomic<bool>& cancelled_;
};

} // namespace conductor
