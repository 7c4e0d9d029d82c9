#include <conductor/engine.hpp>

#include "actors/events/callback_gate.hpp"

namespace conductor {

subscription::subscription(std::shared_ptr<callback_gate> gate)
  : gate_(std::move(gate)) {}

subscription::subscription(subscription&&) noexcept = default;

subscription& subscription::operator=(subscription&& other) noexcept {
  if (this != &other) {
    end();
    gate_ = std::move(other.gate_);
  }
  return *this;
}

subscription::~subscription() {
  end();
}

void subscription::end() {
  if (gate_)
    std::exchange(gate_, nullptr)->close();
}

} // namespace conductor
