#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "apps/orcon/cli.hpp"

namespace orcon {

/// Registers the options of a command, and returns what it does with them.
using preparation = std::function<action(CLI::App&, const settings&)>;

/// One command. The parser, help, completion and the man page come from this
/// value alone; `command_list.inc` lists the functions that return them.
struct command {
  std::string_view path; ///< "run list"
  std::string_view summary;
  std::string_view help = {}; ///< more than the summary and the options say
  std::string_view examples;  ///< one per line
  std::vector<exit_code> exits;
  preparation prepare;
  bool hidden = false; ///< from help and completion
};

/// For a command with options: `options` registers them on the App, `run`
/// gets their values.
template <class T>
preparation with(void (*options)(CLI::App&, T&),
                 int (*run)(const settings&, const T&)) {
  return [=](CLI::App& app, const settings& common) -> action {
    const auto given = std::make_shared<T>();
    options(app, *given);
    return [=, &common] { return run(common, *given); };
  };
}

/// For a command that has only the common options.
inline preparation without_options(int (*run)(const settings&)) {
  return [=](CLI::App&, const settings& common) -> action {
    return [=, &common] { return run(common); };
  };
}

/// All commands, in the order of the help.
std::vector<command> all_commands();

/// Registers a command on the program, below its group. When it is parsed,
/// `chosen` becomes its action.
void add_command(CLI::App& program, const command& c, const settings& common,
                 action& chosen);

/// Names the values of options ("RUN", "STATE", "FILE") where the commands do
/// not.
void name_values(CLI::App& program);

} // namespace orcon
