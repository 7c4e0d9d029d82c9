#pragma once

#include <functional>
#include <string>
#include <vector>

#include <conductor/engine.hpp>

#include "apps/orcon/cli.hpp"

namespace orcon {

/// Notes SIGINT and SIGTERM: the first asks for a stop, the second for one that
/// waits for nothing, the third ends the program as it is.
class signal_guard {
public:
  signal_guard();
  ~signal_guard();
  signal_guard(const signal_guard&) = delete;
  signal_guard& operator=(const signal_guard&) = delete;
  bool stop_wanted() const;
};

/// Options of all commands that work runs.
void add_work_options(CLI::App& command, std::string& metrics_file);

/// Opens the engine that the options name.
conductor::result<conductor::engine> open_engine(const settings& s,
                                                 bool create = true);

/// Whether the database that the options name is there already.
bool has_database(const settings& s);

/// Ends a command whose run was not accepted: says why, returns the exit code.
/// A database that came into being for it goes away again.
int refuse(conductor::engine& engine, const settings& s, bool is_new,
           const conductor::error& why);

/// What a command does while its runs are worked.
struct work_hooks {
  /// Called several times a second, and once at the end; it calls what it is
  /// given before it prints something, and the progress makes room.
  std::function<void(const std::function<void()>& make_room)> each_turn = {};
  /// Whether to end before the runs have; empty = never.
  std::function<bool()> halted = {};
  bool halt_now = false;         ///< then without waiting for what is running
  bool needs_reader = false;     ///< ends like Ctrl-C when nobody reads stdout
  std::string metrics_file = {}; ///< empty = none
};

/// Works runs to their ends: progress on stderr, signals, storage errors.
/// Returns the exit code; runs that did not succeed decide it.
int work(conductor::engine& engine, const std::vector<std::string>& run_ids,
         const settings& s, const signal_guard& signals,
         const work_hooks& hooks = {});

/// Prints how a run ended: a few lines for people, or JSON.
void print_summary(conductor::engine& engine, const std::string& run_id,
                   const settings& s);
void print_summary(conductor::store_reader& reader,
                   const conductor::run_summary& summary, const settings& s);
/// The same for several; as JSON one document, an array unless it is one run.
void print_summaries(conductor::engine& engine,
                     const std::vector<std::string>& run_ids,
                     const settings& s);

} // namespace orcon
