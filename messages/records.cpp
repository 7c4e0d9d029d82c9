#include <conductor/records.hpp>

#include <conductor/change_set.hpp>

namespace conductor {

state_counts& state_counts::operator+=(const state_counts& y) {
  unborn += y.unborn;
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
  return unborn;
}

bool change_set::empty() const {
  return submissions.empty() && leading.empty() && run_starts.empty()
         && expansions.empty() && moves.empty() && run_moves.empty()
         && released.empty() && extensions.empty() && notes.empty()
         && engine_report.empty();
}

} // namespace conductor
