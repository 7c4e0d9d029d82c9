#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include <conductor/handler.hpp>

namespace conductor {

/// What a handler function sees of the task it executes. Valid until the
/// function returns.
class task_context {
public:
  task_context(const conductor::attempt& work,
               const std::atomic<bool>& cancelled)
    : work_(work), cancelled_(cancelled) {}

  const std::string& run_id() const { return work_.origin->run_id; }
  const std::string& task_id() const { return work_.task_id; }
  /// "hash#12"; a task that is nobody's child has its plain name.
  std::string name() const { return work_.name(); }
  /// Place among the children, from 1; 0 for a task that is nobody's child.
  std::int64_t index() const { return work_.index; }
  /// 1 for the first attempt. An attempt may be lost, so that a later one may
  /// follow one that did all its work.
  std::int32_t attempt() const { return work_.number; }
  /// What the fan-out has for this child; null for nobody's child.
  json item() const;
  /// The same as JSON text, "" for nobody's child: for functions that pass it
  /// on as it is.
  const std::string& item_text() const { return work_.item; }
  json input() const { return work_.input(); }
  /// The attempt should stop soon: its time is up, it was cancelled, or the
  /// engine stops. Long functions look at this now and then.
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

private:
  const conductor::attempt& work_;
  const std::atomic<bool>& cancelled_;
};

} // namespace conductor
