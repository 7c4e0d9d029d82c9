#pragma once

#include <string>

#include "apps/orcon/cli.hpp"

/// Commands that are shown to be pasted.
namespace orcon {

/// The command with `--db FILE` where the user has named the database.
std::string with_database(const settings& s, const std::string& command);

/// The same of every command between back quotes in a text.
std::string with_databases(const settings& s, const std::string& text);

/// " --name VALUE", quoted for a shell; "" of no value.
std::string option(const char* name, const std::string& value);

/// Says on stderr, to people who see a table, that it does not show all.
void say_there_is_more(const settings& s, const std::string& command);

} // namespace orcon
