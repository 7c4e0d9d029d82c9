#pragma once

#include <string>

#include <conductor/handler.hpp>

#include "actors/handlers/exec/exec_input.hpp"
#include "actors/handlers/process/process_runner.hpp"

namespace conductor {

/// What the end of a process means for its attempt; the last `errors_kept`
/// bytes of stderr are a part of it.
outcome make_outcome(process_result process, exec_stdout as,
                     milliseconds timeout, std::size_t errors_kept);

/// The last `kept` bytes of stderr. Where more is missing, they follow a mark
/// such as "[… 12345 bytes cut] ".
std::string end_of_errors(const process_result& process, std::size_t kept);

/// "SIGSEGV".
std::string signal_name(int number);

/// The bytes as text; bytes that are not UTF-8 become U+FFFD.
std::string to_utf8(const std::string& bytes);

std::string to_base64(const std::string& bytes);

} // namespace conductor
