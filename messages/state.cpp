#include <conductor/state.hpp>

#include <cctype>
#include <string>

namespace conductor {

bool legal_leaf_move(task_state from, task_state to) {
  using enum task_state;
  switch (from) {
  case pending: return to == running || to == cancelled;
  case running:
    return to == succeeded || to == failed || to == retrying || to == cancelled;
  // A retrying task fails for good when its run's deadline passes.
  case retrying: return to == pending || to == cancelled || to == failed;
  case failed:
  case cancelled: return to == pending;
  case succeeded: return false;
  }
  return false;
}

bool legal_parent_move(task_state from, task_state to) {
  using enum task_state;
  switch (from) {
  case pending: return settled(to);
  case failed:
  case cancelled: return to == pending;
  default: return false;
  }
}

bool legal_run_move(run_state from, run_state to) {
  using enum run_state;
  switch (from) {
  case pending: return to == running || to == cancelled;
  case running: return settled(to);
  case failed:
  case cancelled: return to == running;
  case succeeded: return false;
  }
  return false;
}

const char* to_string(task_state s) {
  switch (s) {
  case task_state::pending: return "PENDING";
  case task_state::running: return "RUNNING";
  case task_state::succeeded: return "SUCCEEDED";
  case task_state::retrying:
  case task_state::failed: return "FAILED";
  case task_state::cancelled: return "CANCELLED";
  }
  return "?";
}

const char* to_string(run_state s) {
  return to_string(static_cast<task_state>(s));
}

std::optional<run_state> parse_run_state(std::string_view text) {
  std::string upper;
  for (auto c : text)
    upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (auto s : {run_state::pending, run_state::running, run_state::succeeded,
                 run_state::failed, run_state::cancelled})
    if (upper == to_string(s))
      return s;
  return std::nullopt;
}

} // namespace conductor
