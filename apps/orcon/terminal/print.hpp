#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

/// All that the program writes. Nothing here throws: a reader that has gone, or
/// a full disk under a log, must not stop the work. From one thread at a time.
namespace orcon {

/// Writes to stdout, buffered. What does not arrive is noted; see
/// `finish_output`.
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

/// From now on a write returns as soon as `wanted` says so, although not all
/// was read: what is left stays buffered.
void stop_writing_when(bool (*wanted)());
/// Whether that is so: writing more makes no sense.
bool writing_has_stopped();
/// Whether stdout is a pipe that nobody reads any more.
bool reader_has_gone();

/// Flushes stdout. Whether all that was written to it has arrived so far.
bool flush_output();
/// The same at the end of a command: the exit code, which is `code` unless the
/// command was done but for its output. Says so, unless its reader has gone.
int finish_output(int code);

} // namespace orcon
