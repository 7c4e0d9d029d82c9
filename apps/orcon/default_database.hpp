#pragma once

#include <string>

#include "apps/orcon/cli.hpp"

/// Which database a command works on when nobody names one.
namespace orcon {

/// $XDG_STATE_HOME/orcon/orcon.db, by default ~/.local/state/orcon/orcon.db;
/// empty if the environment names no absolute home folder.
std::string state_database();

/// Fills in `database` unless an option, ORCON_DB or the configuration file
/// has named it: ./orcon.db if there is one, else `state_database()`, else
/// ./orcon.db.
void choose_database(settings& s);

/// Creates the folder of the state database, with access for its owner only.
/// Does nothing for any other database: a mistyped path must not create one.
conductor::error make_database_folder(const settings& s);

/// Whether a path names the database, or one of the files that belong to it
/// (its write-ahead log, lock, …).
bool is_file_of_database(const std::string& path, const std::string& database);

} // namespace orcon
