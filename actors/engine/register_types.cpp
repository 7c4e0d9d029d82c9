#include <caf/actor_system_config.hpp>

#include <conductor/coordinator.hpp>
#include <conductor/roles.hpp>

namespace conductor {

void register_types(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::conductor>();
  config.add_message_types<caf::id_block::conductor_coordinator>();
}

} // namespace conductor
