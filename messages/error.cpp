#include <conductor/error.hpp>

namespace conductor {

const char* to_string(errc code) {
  switch (code) {
  case errc::none: return "none";
  case errc::invalid: return "invalid";
  case errc::not_found: return "not_found";
  case errc::conflict: return "conflict";
  case errc::stale: return "stale";
  case errc::overloaded: return "overloaded";
  case errc::stopped: return "stopped";
  case errc::timeout: return "timeout";
  case errc::locked: return "locked";
  case errc::full: return "full";
  case errc::not_ours: return "not_ours";
  case errc::too_new: return "too_new";
  case errc::corrupt: return "corrupt";
  case errc::io: return "io";
  case errc::file: return "file";
  }
  return "unknown";
}

} // namespace conductor
