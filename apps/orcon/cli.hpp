#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/json_text.hpp>
#include <conductor/store.hpp>

namespace CLI {
class App;
}

namespace orcon {

/// What the program says to scripts when it ends.
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
  std::string metrics_file;  ///< of commands that work runs; empty = none
  std::string keep = "720h"; ///< how long runs of `map` stay after their end
  std::string config;        ///< file of settings; empty = the usual place
};

/// A command: options are registered on an App, `action` is what it does.
using action = std::function<int()>;
struct commands {
  settings& common;
  /// Set by the command that was chosen.
  action& chosen;
  /// `orcon map`: the command and the lists of inputs.
  std::vector<std::string>& tail;
};

void add_work_commands(CLI::App& app, const commands& c); ///< exec, resume
void add_map_command(CLI::App& app, const commands& c);
void add_demo_command(CLI::App& app, const commands& c);
void add_run_commands(CLI::App& app, const commands& c);
void add_task_commands(CLI::App& app, const commands& c);
void add_event_commands(CLI::App& app, const commands& c);
void add_definition_commands(CLI::App& app, const commands& c);
void add_database_commands(CLI::App& app, const commands& c);
void add_bench_commands(CLI::App& app, const commands& c);
void add_health_commands(CLI::App& app, const commands& c); ///< and stats

// Of a group of commands, registered by it.
void add_watch_commands(CLI::App& run_group, const commands& c);
void add_delete_command(CLI::App& run_group, const commands& c);
void add_run_retry_command(CLI::App& run_group, const commands& c);
void add_task_retry_command(CLI::App& task_group, const commands& c);
void add_care_commands(CLI::App& db_group, const commands& c);
/// version, completion, man
void add_program_commands(CLI::App& app, const commands& c);

/// The whole command line: common options, all commands, their help.
void build_command_line(CLI::App& app, const commands& c);

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
