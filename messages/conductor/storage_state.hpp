#pragma once

#include <conductor/error.hpp>
#include <conductor/inspect.hpp>

namespace conductor {

/// The storage stopped or started to take writes.
struct storage_state {
  bool writable = true;
  bool lost = false; ///< it will not come back; the engine must stop
  error reason;

  CONDUCTOR_MESSAGE(storage_state, x.writable, x.lost, x.reason)
};

} // namespace conductor
