#pragma once

#include <string>
#include <vector>

#include <conductor/error.hpp>

namespace orcon {

/// One list of inputs, as the command line names it.
struct input_source {
  bool linked = false; ///< goes along with the list before it, one by one
  bool is_file = false;
  std::vector<std::string> values;
  std::string file; ///< "-" is standard input
};

/// Takes the lists that follow ":::", "::::", ":::+" and "::::+" out of the
/// words of a command, after those of -a. Errors: invalid.
conductor::result<std::vector<input_source>>
take_sources(std::vector<std::string>& words,
             const std::vector<std::string>& list_files);

/// Whether a word begins a list of inputs.
bool begins_source(const std::string& word);

} // namespace orcon
