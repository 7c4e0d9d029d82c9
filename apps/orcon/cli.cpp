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

#include "apps/orcon/common_options.hpp"
#include "apps/orcon/default_database.hpp"
#include "apps/orcon/help/command_notes.hpp"
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
  for (const auto& note : exit_notes())
    text += fmt::format("  {:>3}  {}\n", note.code, note.meaning);
  text.pop_back();
  return text;
}

/// What a shell reads while it starts must not stumble over a bad file.
bool needs_settings(const CLI::App& app) {
  return !app.got_subcommand("completion") && !app.got_subcommand("man");
}

} // namespace

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

void build_command_line(CLI::App& app, const commands& c) {
  app.require_subcommand(1);
  app.fallthrough();
  add_common_options(app, c.common);
  add_work_commands(app, c);
  add_map_command(app, c);
  add_demo_command(app, c);
  add_run_commands(app, c);
  add_task_commands(app, c);
  add_event_commands(app, c);
  add_definition_commands(app, c);
  add_database_commands(app, c);
  add_health_commands(app, c);
  add_bench_commands(app, c);
  add_program_commands(app, c);
  add_notes(app);
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
  if (argc > 1 && std::string_view{argv[1]} == "complete") {
    std::vector<std::string> none, words(argv + 2, argv + argc);
    build_command_line(app, {common, chosen, none});
    return complete(app, common, std::move(words));
  }
  std::vector<std::string> tail;
  build_command_line(app, {common, chosen, tail});
  tail = take_mapped_command(app, argc, argv);
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
