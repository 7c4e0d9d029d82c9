#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/json_text.hpp>
#include <conductor/store.hpp>

namespace CLI {
class App;
}

namespace orcon {

/// How the program ends; scripts rely on these.
enum exit_code : int {
  done = 0,
  operation_failed = 1,
  usage = 2,
  run_failed = 3,
  run_cancelled = 4,
  not_found = 5,
  conflict = 6,
  unusable
  = 7, ///< database or engine: locked, full, corrupt, not ours, too new
  timed_out = 8,
  critical = 9,
  interrupted = 130,
};

inline constexpr std::array exit_codes{
  done,     operation_failed, usage,     run_failed, run_cancelled, not_found,
  conflict, unusable,         timed_out, critical,   interrupted};

/// What help says of an exit code.
std::string_view meaning_of(exit_code code);

/// "orcon 0.1.0 (SQLite 3.40.1)"
std::string version_text();

enum class format { table, json, jsonl };

/// Options that every command knows.
struct settings {
  /// Chosen by `choose_database` where nobody names it.
  std::string database;
  bool database_named = false; ///< by an option, the environment or the file
  bool state_database = false; ///< the user's own, in the state folder
  format output = format::table;
  bool quiet = false;
  bool verbose = false;
  std::string color = "auto";
  unsigned workers = 0;
  std::string config; ///< file of settings; empty = the usual place
  /// What follows the options of `map`: a command and its inputs.
  std::vector<std::string> mapped;
};

/// What a command does once its options are known; returns the exit code.
using action = std::function<int()>;

/// The whole command line: common options, all commands (see command.hpp),
/// their help. The command that is parsed becomes `chosen`.
void build_command_line(CLI::App& app, settings& common, action& chosen);

/// The whole program.
int run(int argc, char** argv);

/// Says what went wrong on stderr and returns the exit code for it.
int report_error(const conductor::error& why);
int exit_code_of(conductor::errc code);
int exit_code_of(conductor::run_state state);

/// A reader of the database that the options name.
conductor::result<std::unique_ptr<conductor::store_reader>>
open_reader(const settings& s);

/// Finds a task by its id, or within a run by its name or the beginning of its
/// id. Errors: not_found, invalid (several ids begin so).
conductor::result<conductor::task_record>
find_task(conductor::store_reader& reader, const std::string& text,
          const std::string& run_id);

/// Finds a run by its id, the beginning of it, or its name (the newest one of
/// several); "" or "last" is the newest of all. Errors: as of `find_task`.
conductor::result<conductor::run_record>
find_run(conductor::store_reader& reader, const std::string& id);

} // namespace orcon
