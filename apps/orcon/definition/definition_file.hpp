#pragma once

#include <string>

#include <conductor/definition.hpp>
#include <conductor/run_spec.hpp>

namespace orcon {

/// Reads and checks a definition. All that is wrong with it goes to stderr,
/// each with its place; then nothing is returned.
struct checked_definition {
  conductor::run_spec spec;
  int exit_code = 0; ///< 0 = the spec is good
};
checked_definition read_definition_file(const std::string& path);

/// What definitions are checked against without an engine: the handlers that
/// the program brings along.
conductor::definition_context program_context(const std::string& directory);

} // namespace orcon
