#include <conductor/records.hpp>

#include <algorithm>

#include <conductor/change_set.hpp>

namespace conductor {

state_counts& state_counts::operator+=(const state_counts& y) {
  not_created += y.not_created;
  pending += y.pending;
  running += y.running;
  retrying += y.retrying;
  succeeded += y.succeeded;
  failed += y.failed;
  cancelled += y.cancelled;
  return *this;
}

std::int64_t& state_counts::operator[](task_state s) {
  switch (s) {
  case task_state::pending: return pending;
  case task_state::running: return running;
  case task_state::retrying: return retrying;
  case task_state::succeeded: return succeeded;
  case task_state::failed: return failed;
  case task_state::cancelled: return cancelled;
  }
  return not_created;
}

bool change_set::submits() const {
  return std::any_of(parts.begin(), parts.end(), [](const change& part) {
    return std::holds_alternative<submission>(part)
           || std::holds_alternative<append_items>(part)
           || std::holds_alternative<drop_items>(part);
  });
}

} // namespace conductor
