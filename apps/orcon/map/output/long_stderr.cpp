#include "apps/orcon/map/output/long_stderr.hpp"

#include <utility>

namespace orcon {

void long_stderr::keep(conductor::attempt_key which, std::string text) {
  const std::lock_guard guard{mutex_};
  if (const auto earlier = entries_.find(which.task); earlier != entries_.end())
    erase(earlier);
  const auto age = next_age_++;
  bytes_ += text.size();
  entries_[which.task] = {which.number, age, std::move(text)};
  by_age_[age] = which.task;
  while (bytes_ > limit_)
    erase(entries_.find(by_age_.begin()->second));
}

std::optional<std::string> long_stderr::take(conductor::attempt_key which) {
  const std::lock_guard guard{mutex_};
  const auto found = entries_.find(which.task);
  if (found == entries_.end() || found->second.attempt > which.number)
    return std::nullopt;
  const auto wanted = found->second.attempt == which.number;
  auto text = erase(found);
  return wanted ? std::optional{std::move(text)} : std::nullopt;
}

std::string long_stderr::erase(entries::iterator which) {
  auto text = std::move(which->second.text);
  bytes_ -= text.size();
  by_age_.erase(which->second.age);
  entries_.erase(which);
  return text;
}

} // namespace orcon
