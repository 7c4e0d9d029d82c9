#include "apps/orcon/cli.hpp"

#include <csignal>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

namespace orcon {

using namespace conductor;

namespace {

constexpr auto examples = R"(
Examples:
  find . -name '*.jpg' | orcon map -- convert {} -resize 50% small/{}
  orcon map -a hosts.txt -j 20 --retries 3 --timeout 10s -- ping -c1 {}
  orcon exec nightly.yaml            run a definition, watch it to its end
  orcon resume                       go on after a crash or Ctrl-C
  orcon run show                     how the newest run stands
  orcon task failures                what failed, and why

Exit codes: 0 done, 1 failed, 2 usage, 3 run FAILED, 4 run CANCELLED,
5 not found, 6 conflict, 7 database not usable, 8 timeout, 9 health CRITICAL,
130 interrupted.)";

void add_common(CLI::App& app, settings& s) {
  app
    .add_option("--db", s.database,
                "Database file (environment: ORCON_DB; default ./orcon.db)")
    ->envname("ORCON_DB")
    ->type_name("FILE");
  static const std::map<std::string, format> formats{
    {"table", format::table}, {"json", format::json}, {"jsonl", format::jsonl}};
  app.add_option("-o,--output", s.output, "Output: table, json or jsonl")
    ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case))
    ->type_name("FORMAT");
  app.add_flag("-q,--quiet", s.quiet, "No progress, no messages; only data");
  app.add_flag("-v,--verbose", s.verbose, "Say more on stderr");
  app.add_option("--color", s.color, "auto, always or never")
    ->check(CLI::IsMember({"auto", "always", "never"}))
    ->type_name("WHEN");
  app.add_option("--workers", s.workers,
                 "Attempts executed at once (default: number of cores)")
    ->envname("ORCON_WORKERS")
    ->check(CLI::Range(0u, 100'000u))
    ->type_name("N");
}

/// Everything behind a "--" of `orcon map` is the command, untouched.
std::vector<std::string> split_tail(int& argc, char** argv) {
  std::vector<std::string> tail;
  bool map = false;
  for (int i = 1; i < argc; ++i) {
    map = map || std::string_view{argv[i]} == "map";
    if (map && std::string_view{argv[i]} == "--") {
      tail.assign(argv + i + 1, argv + argc);
      argc = i;
      break;
    }
  }
  return tail;
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
  fmt::print(stderr, "orcon: {}\n", why.message);
  return exit_code_of(why.code);
}

result<std::unique_ptr<store_reader>> open_reader(const settings& s) {
  return open_sqlite_reader(s.database);
}

result<run_record> find_run(store_reader& reader, const std::string& id) {
  if (id.empty() || id == "last") {
    auto newest = reader.list_runs({}, 0, 1);
    if (newest.empty())
      return fail(errc::not_found, "the database holds no runs yet; start one "
                                   "with `orcon exec` or `orcon map`");
    return newest.front();
  }
  if (!parse_ulid(id))
    return fail(errc::not_found,
                "\"" + id + "\" is not the id of a run (26 characters); "
                "`orcon run list` shows them");
  const auto key = reader.find_run(id);
  if (!key)
    return fail(errc::not_found,
                "no run " + id + "; `orcon run list` shows what there is");
  return *reader.load_run(*key);
}

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // Statistics of memory cost a mutex an allocation; only a program may decide.
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);

  settings common;
  action chosen;
  auto tail = split_tail(argc, argv);
  CLI::App app{"Origin Conductor: durable fan-out of work on one SQLite file",
               "orcon"};
  app.footer(examples);
  app.require_subcommand(1);
  app.fallthrough();
  app.set_help_all_flag("--help-all", "Help for all commands");
  add_common(app, common);
  const commands c{common, chosen, tail};
  add_work_commands(app, c);
  add_map_command(app, c);
  add_demo_command(app, c);
  add_run_commands(app, c);
  add_task_commands(app, c);
  add_event_commands(app, c);
  add_definition_commands(app, c);
  add_database_commands(app, c);
  add_bench_commands(app, c);
  app.add_subcommand("version", "Print the version")->callback([&] {
    chosen = [&] {
      if (common.output == format::table)
        fmt::print("orcon {} (SQLite {})\n", ORCON_VERSION,
                   sqlite3_libversion());
      else
        fmt::print("{{\"version\":\"{}\",\"sqlite\":\"{}\"}}\n", ORCON_VERSION,
                   sqlite3_libversion());
      return int{done};
    };
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const auto code = app.exit(e);
    return code == 0 ? int{done} : int{usage};
  }
  try {
    return chosen ? chosen() : int{usage};
  } catch (const store_error& trouble) {
    return report_error(trouble.why());
  } catch (const std::exception& e) {
    return report_error({errc::io, e.what()});
  }
}

} // namespace orcon
