#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include <CLI/CLI.hpp>
#include <conductor/json_text.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/definition/definition_file.hpp"
#include "apps/orcon/map/map_definition.hpp"
#include "apps/orcon/map/map_inputs.hpp"
#include "apps/orcon/map/map_printer.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "apps/orcon/commands/work.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr auto usage_text = R"(
The command stands behind "--". {} or {item} is the input, {#} or {index} its
number; without either the input becomes the last argument. Inputs come from
arguments behind ":::", from -a FILE (one a line), or from standard input.

The same command line on the same database goes on where it was, also after a
crash; --fresh starts anew.

Commands inherit the environment; --env adds to it. Only values that --env gives
are stored.

Examples:
  find src -name '*.cpp' | orcon map -- wc -l {}
  orcon map -j 8 --retries 3 -- curl -fsS -o {#}.html {} ::: http://a http://b
  orcon map -a files.txt --keep-order -- sha256sum {}
)";

/// Whether results will find their place, before work begins.
error make_folder(const std::string& folder) {
  std::error_code bad;
  std::filesystem::create_directories(folder, bad);
  if (!bad && ::access(folder.c_str(), W_OK | X_OK) == 0)
    return {};
  return {errc::file, "--results: cannot write into " + folder + ": "
                        + (bad ? bad.message() : std::strerror(errno))};
}

std::string fingerprint(const map_options& o,
                        const std::vector<std::string>& argv,
                        const map_inputs& inputs) {
  std::error_code ignored;
  const json what{argv,
                  o.retries,
                  o.timeout,
                  o.tolerate,
                  o.name,
                  o.env,
                  inputs.fingerprint(),
                  std::filesystem::current_path(ignored).string()};
  return fmt::format("map-{:016x}", hash_text(dump(what)));
}

/// The newest run of this command line: key, or the key for the next one.
std::string choose_key(store_reader& reader, const std::string& base,
                       bool fresh, bool& known) {
  for (int n = 0;; ++n) {
    const auto key = fmt::format("{}-{}", base, n);
    if (reader.find_run_by_idempotency_key(key)) {
      known = true;
      continue;
    }
    if (fresh || n == 0) {
      known = false;
      return key;
    }
    return fmt::format("{}-{}", base, n - 1);
  }
}

int dry_run(const std::vector<std::string>& argv, const map_inputs& inputs,
            const settings& s) {
  std::int64_t index = 0;
  std::vector<ordered_json> rows;
  const auto trouble = inputs.each([&](const std::string& item) {
    ++index;
    auto command = argv;
    for (auto& argument : command) {
      replace(argument, "{index}", std::to_string(index));
      replace(argument, "{item}", item);
    }
    if (s.output != format::table) {
      rows.push_back({{"index", index}, {"item", item}, {"argv", command}});
      return;
    }
    std::string line;
    for (const auto& argument : command)
      line += (line.empty() ? "" : " ") + shell_quoted(argument);
    put("{}\n", line);
  });
  if (s.output != format::table)
    print_rows(s, {}, rows);
  return trouble ? report_error(trouble) : int{done};
}

/// The run of this command line: the known one, or one that is submitted now.
result<submitted_run> submit(engine& engine, const std::string& key_base,
                             run_spec spec, bool fresh, map_inputs& inputs,
                             const settings& s) {
  const auto reader = engine.open_reader();
  bool known = false;
  spec.idempotency_key = choose_key(*reader, key_base, fresh, known);
  if (known) {
    const auto run = reader->load_run(
      *reader->find_run_by_idempotency_key(spec.idempotency_key));
    say(s, fmt::format(
             "run {} of this command line {}; --fresh starts anew", run->id,
             settled(run->state) ? "has ended already, here is what it gave"
                                 : "goes on where it was"));
    return submitted_run{run->key, run->id, true, 0};
  }
  auto run = engine.submit(spec);
  if (run || run.error().code == errc::stopped)
    inputs.keep(); // whoever sweeps spools knows whether the run is there
  if (run)
    say(s, fmt::format("run {} in {}", run->id, s.database));
  return run;
}

/// The database keeps the end of each command's stderr; this keeps all of it
/// until it is printed.
std::shared_ptr<long_stderr> keep_long_stderr(engine& engine,
                                              const settings& s) {
  auto kept = std::make_shared<long_stderr>();
  const auto slots = s.workers > 0
                       ? s.workers
                       : std::max(1u, std::thread::hardware_concurrency());
  engine.handle("exec",
                make_exec_handler(
                  {.slots = slots,
                   .on_long_stderr
                   = [kept](attempt_key which, std::string text) {
                       kept->keep(which, std::move(text));
                     }}));
  return kept;
}

int map(settings s, const map_options& o, std::vector<std::string> command) {
  auto inputs = map_inputs::from(o.list_file, command, s.database);
  if (!inputs)
    return report_error(inputs.error());
  if (command.empty())
    return report_error({errc::invalid, "no command; write it behind \"--\": "
                                        "orcon map -- sha256sum {} ::: a b"});
  const auto argv = template_of(std::move(command));
  std::error_code ignored;
  const auto folder = std::filesystem::current_path(ignored).string();
  const auto read = read_definition(definition_of(o, argv, inputs->as_fanout()),
                                    program_context(folder));
  if (!read.errors.empty())
    return report_error(at_option(read.errors.front()));
  if (o.dry_run)
    return dry_run(argv, *inputs, s);
  if (!o.results.empty())
    if (const auto trouble = make_folder(o.results))
      return report_error(trouble);
  if (o.jobs > 0)
    s.workers = o.jobs;
  const signal_guard signals;
  const auto is_new = !has_database(s);
  auto engine = open_engine(s);
  if (!engine)
    return report_error(engine.error());
  const auto errors = keep_long_stderr(*engine, s);
  const auto run = submit(*engine, fingerprint(o, argv, *inputs), read.spec,
                          o.fresh, *inputs, s);
  if (!run)
    return refuse(*engine, s, is_new, run.error());
  map_printer printer{engine->open_reader(), run->key, o.keep_order, o.results,
                      s, errors};
  const auto code
    = work(*engine, {run->id}, s, signals,
           [&](const auto& make_room) { printer.print(make_room); });
  printer.finish();
  if (code != interrupted && !s.quiet)
    printer.print_totals(run->id);
  if (printer.trouble() && code == done)
    return report_error(printer.trouble());
  return code;
}

} // namespace

void add_map_command(CLI::App& app, const commands& c) {
  auto* map_app = app.add_subcommand(
    "map", "A durable, resumable fan-out of one command over many inputs");
  map_app->fallthrough();
  add_work_options(*map_app, c.common);
  map_app->footer(usage_text);
  auto o = std::make_shared<map_options>();
  map_app->add_option("-a,--arg-file", o->list_file, "Inputs, one a line");
  map_app->add_option("-j,--jobs", o->jobs,
                      "Commands at once (default: number of cores)");
  map_app->add_option("--retries", o->retries, "Retries of each (default 3)")
    ->check(CLI::Range(0, 1'000'000));
  map_app->add_option("--timeout", o->timeout, "Of one attempt, e.g. 30s");
  map_app->add_option("--tolerate", o->tolerate,
                      "Failures that are no failure: a count or e.g. 5%");
  map_app->add_option("--name", o->name, "Name of the run");
  map_app
    ->add_option("--env", o->env,
                 "A variable that the commands get: NAME as it is then, or "
                 "NAME=VALUE; may be repeated")
    ->allow_extra_args(false)
    ->type_name("NAME");
  map_app->add_flag("-k,--keep-order", o->keep_order,
                    "Outputs in the order of the inputs");
  map_app->add_option("--results", o->results,
                      "Also write FOLDER/INDEX/stdout, stderr, exit_code");
  map_app->add_flag("--dry-run", o->dry_run, "Print the commands, run nothing");
  map_app->add_flag("--fresh", o->fresh,
                    "Start anew although this command line has run before");
  map_app->callback(
    [c, o] { c.chosen = [c, o] { return map(c.common, *o, c.tail); }; });
}

} // namespace orcon
