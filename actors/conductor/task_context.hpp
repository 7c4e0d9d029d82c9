#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace conductor {

struct attempt;

/// A handler function's view of the task that it executes. Valid until the
/// function returns. Texts are JSON; `<conductor/json_text.hpp>` parses them.
class task_context {
public:
  task_context(const conductor::attempt& work,
               const std::atomic<bool>& cancelled)
    : work_(work), cancelled_(cancelled) {}

  const std::string& run_id() const;
  std::string task_id() const;
  /// "hash#12"; a task without a parent has its plain name.
  std::string name() const;
  /// Place among the children, from 1; 0 for a task without a parent.
  std::int64_t index() const;
  /// 1 for the first attempt. An attempt may be lost, so that a later one may
  /// follow one that did all its work.
  std::int32_t attempt() const;
  /// The item of this child as JSON text; "" for a task without a
  /// parent.
  const std::string& item_text() const;
  /// The input as the text of a JSON object: without `fanout`, with `index` and
  /// `item` for a child.
  std::string input_text() const;
  /// The attempt should stop soon: its time is up, it was cancelled, or the
  /// engine stops. Long functions look at this now and then.
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

private:
  const conductor::attempt& work_;
  const std::atomic<bool>& cancelled_;
};

} // namespace conductor
