#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

/// What words on a command line are, before it is parsed.
namespace orcon {

/// The option of a command, or of those above it, that has this name ("--db",
/// "-j"); null if there is none.
const CLI::Option* find_option(const CLI::App& command,
                               const std::string& name);

bool takes_value(const CLI::Option* option);

/// The option in a word such as "-qj" or "-qj8" that takes a value, and whether
/// that is the next word; null if none does.
struct short_options {
  const CLI::Option* option = nullptr;
  std::string value; ///< that stands in the same word
};
short_options read_short_options(const CLI::App& command,
                                 const std::string& word);

/// Takes the command of `orcon map` and its inputs off a command line: what
/// begins with the first word that is not an option. A "--" before it goes.
/// Other command lines stay whole.
std::vector<std::string> take_mapped_command(const CLI::App& app, int& argc,
                                             char** argv);

} // namespace orcon
