#include "apps/orcon/cli.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <conductor/builtin_handlers.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "apps/orcon/command.hpp"
#include "apps/orcon/common_options.hpp"
#include "apps/orcon/default_database.hpp"
#include "apps/orcon/help/completion.hpp"
#include "apps/orcon/help/option_lookup.hpp"
#include "apps/orcon/help/usage_error.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

std::string examples() {
  std::string text = R"(
Examples:
  find . -name '*.jpg' | orcon map convert {} -resize 50% {.}.small.jpg
  orcon map -a hosts.txt -j 20 --retries 3 --timeout 10s ping -c1 {}
  orcon exec nightly.yaml            run a definition, watch it to its end
  orcon resume                       continue after a crash or Ctrl-C
  orcon run show                     how the newest run stands
  orcon task failures                what failed, and why

Exit codes:
)";
  for (const auto code : exit_codes)
    text += fmt::format("  {:>3}  {}\n", int{code}, meaning_of(code));
  text.pop_back();
  return text;
}

/// What a shell reads while it starts must not stumble over a bad file.
bool needs_settings(const CLI::App& app) {
  return !app.got_subcommand("completion") && !app.got_subcommand("man");
}

} // namespace

std::string_view meaning_of(exit_code code) {
  switch (code) {
  case done: return "done, the run SUCCEEDED";
  case operation_failed: return "the operation failed";
  case usage: return "wrong usage or an invalid definition";
  case run_failed: return "the run FAILED";
  case run_cancelled: return "the run was CANCELLED";
  case not_found: return "no such run, task or file";
  case conflict: return "not allowed in this state";
  case unusable: return "the database is not usable";
  case timed_out: return "a time limit was reached";
  case critical: return "health CRITICAL";
  case interrupted: return "interrupted";
  }
  return "";
}

int exit_code_of(errc code) {
  switch (code) {
  case errc::none: return done;
  case errc::invalid: return usage;
  case errc::not_found: return not_found;
  case errc::conflict:
  case errc::stale: return conflict;
  case errc::timeout: return timed_out;
  case errc::locked:
  case errc::full:
  case errc::not_ours:
  case errc::too_new:
  case errc::corrupt:
  case errc::io: return unusable;
  case errc::file:
  case errc::overloaded:
  case errc::stopped: return operation_failed;
  }
  return operation_failed;
}

int exit_code_of(run_state state) {
  switch (state) {
  case run_state::failed: return run_failed;
  case run_state::cancelled: return run_cancelled;
  default: return done;
  }
}

int report_error(const error& why) {
  tell("orcon: {}\n", why.message);
  return exit_code_of(why.code);
}

result<std::unique_ptr<store_reader>> open_reader(const settings& s) {
  return open_sqlite_reader(s.database);
}

void build_command_line(CLI::App& app, settings& common, action& chosen) {
  app.require_subcommand(1);
  app.fallthrough();
  add_common_options(app, common);
  for (const auto& c : all_commands())
    add_command(app, c, common, chosen);
  name_values(app);
  // Last, for commands inherit both.
  app.footer(examples());
  app.set_help_all_flag("--help-all", "Help for all commands");
}

namespace {

/// A standard descriptor that is closed would be given to the next file that
/// is opened, and messages would end up there. What stands in for it refuses
/// to be used, so that a missing input or output is still noticed.
void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0)
      ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

void prepare_process() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  occupy_standard_descriptors();
  conductor::raise_open_files_limit();
  // Statistics of memory cost a mutex an allocation; only a program may decide.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/// "--db=" of a script whose variable is empty: CLI11 would take the next word
/// for the value.
std::string option_without_value(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word{argv[i]};
    if (word.size() > 3 && word.starts_with("--") && word.back() == '='
        && word.find('=') == word.size() - 1)
      return std::string{word.substr(0, word.size() - 1)};
  }
  return {};
}

/// "orcon help run list" is "orcon run list --help".
void read_help_command(int argc, char** argv) {
  static char option[] = "--help";
  if (argc < 2 || std::string_view{argv[1]} != "help")
    return;
  std::rotate(argv + 1, argv + 2, argv + argc);
  argv[argc - 1] = option;
}

int run_command(int argc, char** argv) {
  read_help_command(argc, argv);
  settings common;
  action chosen;
  CLI::App app{"Origin Conductor: durable fan-out of work on one SQLite file",
               "orcon"};
  build_command_line(app, common, chosen);
  if (argc > 1 && std::string_view{argv[1]} == "complete")
    return complete(app, common, {argv + 2, argv + argc});
  common.mapped = take_mapped_command(app, argc, argv);
  if (const auto option = option_without_value(argc, argv); !option.empty())
    return report_error({errc::invalid, option + " has no value after \"=\""});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return explain(app, e);
  }
  try {
    if (needs_settings(app))
      if (const auto code = apply_config_file(app, common); code != done)
        return code;
    choose_database(common);
    return chosen ? chosen() : int{usage};
  } catch (const store_error& trouble) {
    return report_error(trouble.why());
  } catch (const std::exception& e) {
    return report_error({errc::stopped, e.what()});
  }
}

} // namespace

int run(int argc, char** argv) {
  prepare_process();
  return finish_output(run_command(argc, argv));
}

} // namespace orcon
