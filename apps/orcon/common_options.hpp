#pragma once

#include <string>

#include "apps/orcon/cli.hpp"

namespace orcon {

/// Registers the options that every command knows, with their environment
/// variables.
void add_common_options(CLI::App& app, settings& s);

/// Takes from the configuration file what neither a flag nor the environment
/// gave; after parsing. Trouble goes to stderr; returns 0 or the exit code.
int apply_config_file(CLI::App& app, settings& s);

/// Where the configuration file is: `given` (of --config or ORCON_CONFIG),
/// else config.yaml, .yml or .json in $XDG_CONFIG_HOME/orcon or
/// ~/.config/orcon; empty if there is none.
std::string find_config_file(const std::string& given);

/// What a `db` in a configuration file means: a path from the file's folder;
/// "~/" is the home folder.
std::string path_in_config(const std::string& text,
                           const std::string& config_file);

} // namespace orcon
