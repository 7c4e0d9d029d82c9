#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

/// All that the program writes. Nothing here throws: a reader that has gone, or
/// a full disk under a log, must not stop the work.
namespace orcon {

/// Writes to stdout. What does not arrive is noted; see `finish_output`.
void write_out(std::string_view text);
/// Writes to stderr. What does not arrive is lost.
void write_error(std::string_view text);

template <class... Args>
void put(fmt::format_string<Args...> form, Args&&... args) {
  write_out(fmt::format(form, std::forward<Args>(args)...));
}

template <class... Args>
void tell(fmt::format_string<Args...> form, Args&&... args) {
  write_error(fmt::format(form, std::forward<Args>(args)...));
}

/// Flushes stdout. Whether all that was written to it has arrived.
bool flush_output();
/// The same at the end of a command: the exit code, which is `code` unless the
/// command was done but for its output. Says so, unless its reader has gone.
int finish_output(int code);

} // namespace orcon
