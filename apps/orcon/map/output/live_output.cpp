#include "apps/orcon/map/output/live_output.hpp"

#include <utility>

namespace orcon {

using namespace conductor;

void live_output::emit(task_key task, std::string text) {
  if (!ready_.empty() && ready_.back().task == task)
    ready_.back().text += text;
  else
    ready_.push_back({task, std::move(text)});
}

void live_output::end_line(task_key task, unfinished& of) {
  if (!of.line.empty())
    emit(task, std::exchange(of.line, {}) + '\n');
}

void live_output::add(attempt_key which, std::string_view piece) {
  const std::lock_guard guard{mutex_};
  auto& rest = unfinished_[which.task];
  if (std::exchange(rest.attempt, which.number) != which.number)
    end_line(which.task, rest);
  const auto end = piece.rfind('\n');
  if (end != piece.npos) {
    emit(which.task,
         std::exchange(rest.line, {}) + std::string{piece.substr(0, end + 1)});
    piece.remove_prefix(end + 1);
  }
  rest.line += piece;
}

std::vector<live_output::lines> live_output::take() {
  const std::lock_guard guard{mutex_};
  return std::exchange(ready_, {});
}

bool live_output::end(attempt_key which) {
  const std::lock_guard guard{mutex_};
  const auto found = unfinished_.find(which.task);
  if (found == unfinished_.end())
    return false;
  end_line(which.task, found->second);
  const auto here = found->second.attempt == which.number;
  unfinished_.erase(found);
  return here;
}

} // namespace orcon
