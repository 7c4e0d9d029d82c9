#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

/// Questions about the registered commands, asked by help, completion, the man
/// page and error messages.
namespace orcon {

/// "run list"; "" for the program itself.
std::string path_of(const CLI::App& command);

/// Commands that help shows, in its order.
std::vector<const CLI::App*> visible_commands(const CLI::App& app);

/// Options that help shows: first those of the command, then those that it
/// shares with the program.
std::vector<const CLI::Option*> visible_options(const CLI::App& command);

/// What the value of an option is: "RUN", "STATE", "FILE", ...; without the
/// bounds that help shows after it.
std::string kind_of(const CLI::Option& option);

/// The values that an option's kind ("STATE", "FORMAT", ...) can have, where
/// they are known beforehand.
std::vector<std::string_view> values_of_kind(std::string_view kind);

} // namespace orcon
