#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/engine/engine_core.hpp"

namespace conductor {

/// The one place that knows which actors an engine consists of, who hears of
/// what, and in which order they stop. The engine's front and the coordinator
/// use it alike; they differ in the clock and in whether they call `drive`.
class wiring {
public:
  wiring() = default;
  /// Spawns what takes requests: router, writer, monitor, intake.
  wiring(caf::actor_system& sys, std::shared_ptr<engine_core> core,
         std::shared_ptr<store> db);

  /// Spawns what works on runs. Nothing moves by itself yet.
  void spawn_roles();
  /// Subscribes the roles to the facts that they live on, and starts their
  /// timers.
  void drive() const;

  /// Actors that stop together, after those of the step before have ended.
  struct stop_step {
    std::vector<caf::actor> actors;
    std::function<void()> before; ///< may be none
  };
  /// The stop list. What is leased may end; then the roles, the monitor and
  /// what serves subscribers; the writer last of all, and with it the intake,
  /// which may wait for the writer.
  std::vector<stop_step> stop_steps(std::vector<caf::actor> feeds) const;
  /// All actors that there are, by name.
  std::vector<std::pair<std::string, caf::actor>> all() const;

  explicit operator bool() const { return core_ != nullptr; }
  const engine_core& core() const { return *core_; }
  engine_core& core() { return *core_; }
  caf::actor_system& system() const { return *sys_; }

  fact_router_actor router;
  persistence_actor persistence;
  monitor_actor monitor;
  intake_actor intake;
  role_actor fanout, aggregate, retry, fence;
  executor_actor executor;

private:
  caf::actor_system* sys_ = nullptr;
  std::shared_ptr<engine_core> core_;
};

intake_actor spawn_intake(caf::actor_system& sys, placement where,
                          std::shared_ptr<engine_core> core,
                          persistence_actor writer);

} // namespace conductor
