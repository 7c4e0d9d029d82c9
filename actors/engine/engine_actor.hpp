#pragma once

#include "actors/engine/wiring.hpp"

namespace conductor {

/// Spawns the front of an engine, which owns `parts`. As a guest it stops by
/// itself when its actor system is being destroyed.
engine_actor spawn_engine_actor(wiring parts, placement where);

} // namespace conductor
