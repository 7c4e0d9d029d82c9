#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

/// What help, completion, the man page and error messages know about commands
/// beyond their options.
namespace orcon {

/// A row of the table of exit codes.
struct exit_note {
  int code;
  std::string_view meaning;
};
const std::vector<exit_note>& exit_notes();

/// Gives examples and exit codes to every command that brings none itself, and
/// names to the values of options: "RUN", "STATE", "FILE", ...
void add_notes(CLI::App& app);

/// "run list"; "" for the program itself.
std::string path_of(const CLI::App& command);

/// Commands that help shows, in its order.
std::vector<const CLI::App*> visible_commands(const CLI::App& app);

/// Options that help shows: first those of the command, then those that it
/// shares with the program.
std::vector<const CLI::Option*> visible_options(const CLI::App& command);

/// What the value of an option is: "RUN", "STATE", "FILE", ...; without the
/// bounds that help shows behind it.
std::string kind_of(const CLI::Option& option);

/// The values that an option's kind ("STATE", "FORMAT", ...) can have, where
/// they are known beforehand.
std::vector<std::string_view> values_of_kind(std::string_view kind);

} // namespace orcon
