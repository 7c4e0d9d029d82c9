#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <utility>

#include <tl/expected.hpp>

#include <conductor/inspect.hpp>

namespace conductor {

/// What kind of trouble an operation met. Programs map these to exit codes.
enum class errc : std::uint8_t {
  none,
  invalid,    ///< the input breaks a rule; the message names the place
  not_found,  ///< no such run, task or file
  conflict,   ///< not allowed in this state
  stale,      ///< planned from a state that no longer holds
  overloaded, ///< too much in flight; try again
  stopped,    ///< the engine is stopping or has stopped
  timeout,    ///< not done within the time given
  locked,     ///< another engine owns the database
  full,       ///< no room on the disk
  not_ours,   ///< the file is no Origin Conductor database
  too_new,    ///< the database has a newer schema than this program
  corrupt,    ///< the database is damaged
  io,         ///< reading or writing the database failed
  file,       ///< another file cannot be read or written
};

/// A failure as a value: what kind, and one sentence that says what to do.
struct error {
  errc code = errc::none;
  std::string message;

  explicit operator bool() const { return code != errc::none; }
  CONDUCTOR_MESSAGE(error, x.code, x.message)
};

/// Whether an errno tells of a shortage that passes: of descriptors, memory,
/// processes.
inline bool is_shortage(int error_number) {
  return error_number == EMFILE || error_number == ENFILE
         || error_number == ENOMEM || error_number == EAGAIN;
}

template <class T>
using result = tl::expected<T, error>;

inline tl::unexpected<error> fail(errc code, std::string message) {
  return tl::unexpected<error>(error{code, std::move(message)});
}

/// The name of an error code, e.g. "not_found".
const char* to_string(errc code);

} // namespace conductor
