#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <conductor/json_text.hpp>
#include <fmt/format.h>

#include "apps/orcon/map_inputs.hpp"
#include "apps/orcon/map_printer.hpp"
#include "apps/orcon/output.hpp"
#include "apps/orcon/work.hpp"

namespace orcon {

using namespace conductor;

namespace {

constexpr auto usage_text = R"(
The command stands behind "--". {} or {item} is the input, {#} or {index} its
number; without either the input becomes the last argument. Inputs come from
arguments behind ":::", from -a FILE (one a line), or from standard input.

The same command line on the same database goes on where it was, also after a
crash; --fresh starts anew.

Examples:
  find src -name '*.cpp' | orcon map -- wc -l {}
  orcon map -j 8 --retries 3 -- curl -fsS -o {#}.html {} ::: http://a http://b
  orcon map -a files.txt --keep-order -- sha256sum {}
)";

struct map_options {
  std::string list_file;
  unsigned jobs = 0;
  int retries = 3;
  std::string timeout, tolerate, name, results;
  bool keep_order = false, dry_run = false, fresh = false;
};

/// GNU parallel's placeholders become ours; the input is the last argument of
/// a command that names none.
std::vector<std::string> template_of(std::vector<std::string> command) {
  const auto replace
    = [](std::string& text, std::string_view from, std::string_view to) {
        for (std::size_t at = 0;
             (at = text.find(from, at)) != std::string::npos; at += to.size())
          text.replace(at, from.size(), to);
      };
  bool named = false;
  for (auto& argument : command) {
    replace(argument, "{}", "{item}");
    replace(argument, "{#}", "{index}");
    named = named || argument.find("{item") != std::string::npos
            || argument.find("{index}") != std::string::npos;
  }
  if (!named)
    command.emplace_back("{item}");
  return command;
}

/// "map sha256sum" for /usr/bin/sha256sum; names of runs have no '/' or '#'.
std::string default_name(const std::string& program) {
  auto name = program.substr(program.rfind('/') + 1);
  std::erase(name, '#');
  return shorten("map " + name, 100);
}

/// A definition as `orcon exec` would read it: one place checks both.
json definition_of(const map_options& o, const std::vector<std::string>& argv,
                   json fanout, const std::string& key) {
  json task{{"handler", "exec"},
            {"input", {{"argv", argv}, {"fanout", std::move(fanout)}}},
            {"max_retries", o.retries},
            {"tolerate", 0}};
  if (!o.timeout.empty())
    task["timeout"] = o.timeout;
  if (!o.tolerate.empty())
    task["tolerate"] = o.tolerate;
  return {{"version", 1},
          {"name", o.name.empty() ? default_name(argv.front()) : o.name},
          {"idempotency_key", key},
          {"tasks", {{"map", std::move(task)}}}};
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

int dry_run(const std::vector<std::string>& argv, const map_inputs& inputs) {
  std::int64_t index = 0;
  const auto trouble = inputs.each([&](const std::string& item) {
    ++index;
    std::string line;
    for (auto argument : argv) {
      const auto put = [&](std::string_view from, const std::string& to) {
        for (std::size_t at = 0;
             (at = argument.find(from, at)) != std::string::npos;
             at += to.size())
          argument.replace(at, from.size(), to);
      };
      put("{item}", item);
      put("{index}", std::to_string(index));
      line += (line.empty() ? "" : " ") + shell_quoted(argument);
    }
    fmt::print("{}\n", line);
  });
  return trouble ? report_error(trouble) : int{done};
}

result<submitted_run> submit(engine& engine, const map_options& o,
                             const std::vector<std::string>& argv,
                             map_inputs& inputs, const settings& s) {
  const auto reader = engine.open_reader();
  bool known = false;
  const auto key
    = choose_key(*reader, fingerprint(o, argv, inputs), o.fresh, known);
  if (known) {
    const auto run
      = reader->load_run(*reader->find_run_by_idempotency_key(key));
    if (!s.quiet)
      fmt::print(stderr,
                 "orcon: run {} of this command line {}; --fresh "
                 "starts anew\n",
                 run->id,
                 settled(run->state) ? "has ended already, here is what "
                                       "it gave"
                                     : "goes on where it was");
    return submitted_run{run->key, run->id, true, 0};
  }
  std::error_code ignored;
  const auto folder = std::filesystem::current_path(ignored).string();
  auto read = read_definition(definition_of(o, argv, inputs.as_fanout(), key),
                              engine.context(folder));
  if (!read.errors.empty())
    return fail(errc::invalid, to_string(read.errors.front()));
  auto run = engine.submit(read.spec);
  if (run)
    inputs.keep();
  if (run && !s.quiet)
    fmt::print(stderr, "orcon: run {} in {}\n", run->id, s.database);
  return run;
}

int map(settings s, const map_options& o, std::vector<std::string> command) {
  auto inputs = map_inputs::from(o.list_file, command, s.database);
  if (!inputs)
    return report_error(inputs.error());
  if (command.empty())
    return report_error({errc::invalid, "no command; write it behind \"--\": "
                                        "orcon map -- sha256sum {} ::: a b"});
  const auto argv = template_of(std::move(command));
  if (o.dry_run)
    return dry_run(argv, *inputs);
  if (o.jobs > 0)
    s.workers = o.jobs;
  const signal_guard signals;
  auto engine = open_engine(s);
  if (!engine)
    return report_error(engine.error());
  const auto run = submit(*engine, o, argv, *inputs, s);
  if (!run)
    return report_error(run.error());
  map_printer printer{engine->open_reader(), run->key, o.keep_order, o.results,
                      s.quiet};
  const auto code
    = work(*engine, {run->id}, s, signals,
           [&](const auto& make_room) { printer.print(make_room); });
  if (printer.trouble())
    return report_error(printer.trouble());
  if (code != interrupted && !s.quiet)
    printer.print_totals(s.database, run->id);
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
