#include "apps/orcon/map/map_run.hpp"

#include <cstdlib>
#include <filesystem>
#include <thread>

#include <fmt/format.h>

#include <conductor/stored_json.hpp>

#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/default_database.hpp"
#include "apps/orcon/definition/definition_file.hpp"
#include "apps/orcon/map/command/map_definition.hpp"
#include "apps/orcon/map/command/map_template.hpp"
#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/map/map_exec.hpp"
#include "apps/orcon/map/map_retention.hpp"
#include "apps/orcon/map/output/map_printer.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

/// A command line that was read and checked, before anything is opened.
struct map_line {
  map_template command;
  map_inputs inputs;
  halt_rule halt;
  std::string identity;
  run_spec spec;
};

std::string working_folder() {
  std::error_code ignored;
  return std::filesystem::current_path(ignored).string();
}

/// What the variables that --env names are worth now; as a hash, since the
/// values may be secret.
std::uint64_t hash_environment(const std::vector<std::string>& named) {
  auto hash = hash_text("");
  for (const auto& one : named) {
    hash = hash_text(one, hash_text("\n", hash));
    if (const auto* value = std::getenv(one.c_str()))
      hash = hash_text(value, hash_text("=", hash));
  }
  return hash;
}

/// Tells apart command lines that ask for different work. How many commands
/// run at once, and how their results are shown, is not part of the work.
std::string identity_of(const map_options& o, const map_line& line) {
  const json what{line.command.argv,
                  o.retries,
                  o.timeout,
                  o.tolerate,
                  o.name,
                  hash_environment(o.env),
                  line.inputs.items.hash(),
                  line.inputs.items.count(),
                  working_folder(),
                  o.pipe};
  return fmt::format("{:016x}", hash_text(dump(what)));
}

result<map_template> read_template(const map_options& o,
                                   std::vector<std::string> words,
                                   const template_inputs& in) {
  for (const auto& word : words)
    if (!valid_utf8(word))
      return fail(errc::invalid, "the command is not valid UTF-8; inputs may "
                                 "be any bytes, the command may not");
  if (o.shell && !words.empty())
    return fail(errc::invalid, "give a command or -c TEXT, not both");
  if (o.shell)
    return template_of_shell(*o.shell, in);
  if (words.empty())
    return fail(errc::invalid, "no command; for example: orcon map sha256sum "
                               "{} ::: a b");
  return template_of_words(std::move(words), in);
}

error read_rules(const map_options& o, std::size_t lists, unsigned jobs,
                 input_rules& rules) {
  const auto delimiter = delimiter_of(o.delimiter);
  if (!delimiter)
    return delimiter.error();
  rules.delimiter = *delimiter;
  rules.max_args = o.max_args > 0 ? o.max_args : o.many ? 0 : 1;
  rules.jobs = jobs;
  if (o.pipe) {
    const auto block = block_of(o.block);
    if (!block)
      return block.error();
    if (lists > 1 || o.many)
      return {errc::invalid, "--pipe takes one list of inputs, and not -X"};
    rules.block = *block;
    rules.records = o.max_args;
    rules.max_args = 1;
  } else if (!o.block.empty()) {
    return {errc::invalid, "--block is for --pipe"};
  }
  if (rules.max_args != 1 && lists > 1)
    return {errc::invalid, "-n and -X take one list of inputs; several lists "
                           "already give several inputs to each command"};
  return {};
}

result<map_line> read_line(const map_options& o, const settings& s,
                           std::vector<std::string> words) {
  const auto sources = take_sources(words, o.list_files);
  if (!sources)
    return tl::unexpected(sources.error());
  const auto halt = halt_rule_of(o.halt);
  if (!halt)
    return tl::unexpected(halt.error());
  input_rules rules;
  const auto jobs = s.workers > 0
                      ? s.workers
                      : std::max(1u, std::thread::hardware_concurrency());
  if (auto trouble = read_rules(o, sources->size(), jobs, rules))
    return tl::unexpected(trouble);
  auto command = read_template(o, std::move(words),
                               {.lists = sources->size(),
                                .several = rules.max_args != 1,
                                .repeat = o.many,
                                .none = o.pipe});
  if (!command)
    return tl::unexpected(command.error());
  auto inputs = read_inputs(*sources, rules, s.database);
  if (!inputs)
    return tl::unexpected(inputs.error());
  map_line line{std::move(*command), std::move(*inputs), *halt, {}, {}};
  line.identity = identity_of(o, line);
  auto read
    = read_definition(definition_of(o, line.command.argv,
                                    line.inputs.items.count(), line.identity),
                      program_context(working_folder()));
  if (!read.errors.empty())
    return tl::unexpected(at_option(read.errors.front()));
  line.spec = std::move(read.spec);
  return line;
}

void say_warnings(const settings& s, const map_line& line) {
  for (const auto& warning : line.command.warnings)
    say(s, "warning: " + warning);
  if (line.inputs.left_out > 0)
    say(s, fmt::format("{} input(s) were left out: they are files of {} itself",
                       line.inputs.left_out, s.database));
}

int dry_run(const map_line& line, bool shell, const settings& s) {
  std::int64_t index = 0;
  std::vector<ordered_json> rows;
  const auto trouble
    = line.inputs.items.each([&](const std::string& item) -> error {
        const auto command = command_for(line.command.argv, item, ++index);
        if (!command)
          return command.error();
        if (s.output == format::table)
          put("{}\n", command_text(*command, shell));
        else
          rows.push_back({{"index", index},
                          {"item", parse_stored<ordered_json>(item)},
                          {"argv", *command}});
        return {};
      });
  if (s.output != format::table)
    print_rows(s, {}, rows);
  return trouble ? report_error(trouble) : int{done};
}

std::optional<run_record> newest_run_of(store_reader& reader,
                                        const std::string& identity) {
  auto runs = reader.runs({.label = line_label,
                           .label_value = identity,
                           .newest_first = true,
                           .limit = 1});
  return runs.empty() ? std::nullopt : std::optional{std::move(runs.front())};
}

std::string how_long_ago(timestamp t) {
  return human_duration(system_now() - t) + " ago";
}

/// Takes an earlier run of the same line up again, if that has anything left
/// to do.
std::optional<run_record> take_up(engine& engine, const std::string& identity,
                                  const settings& s) {
  const auto opened = engine.open_reader();
  if (!opened)
    return std::nullopt; // the submission then says why
  const auto& reader = *opened;
  const auto run = newest_run_of(*reader, identity);
  if (!run || run->state == run_state::succeeded)
    return std::nullopt;
  const auto counts = reader->count_leaves(run->key);
  if (!settled(run->state)) {
    say(s, fmt::format("run {} in {} resumes: {} of {} have ended; --fresh "
                       "starts a new one",
                       run->id, s.database, with_commas(counts.settled()),
                       with_commas(counts.total())));
    return run;
  }
  const auto reopened = engine.retry(run->id);
  if (!reopened || reopened->tasks == 0)
    return std::nullopt; // for example, its inputs could not be read
  say(s,
      fmt::format("run {} in {} {} {}: trying {} of {} again; --fresh "
                  "starts a new one",
                  run->id, s.database, to_string(run->state),
                  how_long_ago(run->finished_at), with_commas(reopened->tasks),
                  with_commas(counts.total())));
  return run;
}

struct chosen_run {
  run_key key;
  std::string id;
};

result<chosen_run> choose_run(engine& engine, map_line& line, bool fresh,
                              const settings& s) {
  if (!fresh)
    if (const auto run = take_up(engine, line.identity, s))
      return chosen_run{run->key, run->id};
  auto& items = line.inputs.items;
  auto list = engine.write_items(
    [&](const std::function<error(const std::string&)>& one) {
      return items.each(one);
    });
  if (!list)
    return tl::unexpected(list.error());
  line.spec.tasks.front().fanout = *list;
  auto run = engine.submit(line.spec);
  if (!run)
    return tl::unexpected(run.error());
  say(s, fmt::format("run {} in {}", run->id, s.database));
  return chosen_run{run->key, run->id};
}

map_view view_of(const map_options& o, const map_line& line) {
  return {.keep_order = o.keep_order,
          .tag = o.tag,
          .pipe = o.pipe,
          .shell = o.shell.has_value(),
          .argv = line.command.argv};
}

int end_of(map_printer& printer, const chosen_run& run, int code,
           const settings& s) {
  printer.finish();
  if (code != interrupted && !s.quiet)
    printer.print_totals(run.id);
  if (printer.trouble() && code == done)
    return report_error(printer.trouble());
  return code;
}

/// Prints the newest result of the line, and runs nothing.
int replay(const map_options& o, const map_line& line, map_files files,
           const settings& s) {
  auto reader = open_reader(s);
  if (!reader)
    return report_error(reader.error());
  const auto run = newest_run_of(**reader, line.identity);
  if (!run)
    return report_error(
      {errc::not_found, "no run of this command line in " + s.database});
  if (!settled(run->state))
    return report_error(
      {errc::conflict, "run " + run->id
                         + " of this command line has not "
                           "ended; without --replay it resumes"});
  say(s, fmt::format("run {} in {} {} {}; this is what it printed", run->id,
                     s.database, to_string(run->state),
                     how_long_ago(run->finished_at)));
  map_printer printer{std::move(*reader), run->key, view_of(o, line),
                      std::move(files), s};
  printer.print([] {});
  return end_of(printer, {run->key, run->id}, exit_code_of(run->state), s);
}

/// The database keeps the end of each command's stderr; `errors` keeps all of
/// it until it is printed.
exec_options exec_options_of(const settings& s, const map_view& view) {
  exec_options options{
    .slots = s.workers > 0 ? s.workers
                           : std::max(1u, std::thread::hardware_concurrency()),
    .on_long_stderr
    = [errors = view.errors](attempt_key which, std::string text) {
        errors->keep(which, std::move(text));
      }};
  if (view.live)
    options.on_output
      = [live = view.live](attempt_key which, std::string_view piece) {
          live->add(which, piece);
        };
  return options;
}

int work_on(const map_options& o, map_line& line, map_files files,
            const settings& s) {
  const signal_guard signals;
  const auto is_new = !has_database(s);
  auto engine = open_engine(s);
  if (!engine)
    return report_error(engine.error());
  auto view = view_of(o, line);
  view.errors = std::make_shared<long_stderr>();
  if (o.line_buffer && s.output == format::table)
    view.live = std::make_shared<live_output>();
  const auto options = exec_options_of(s, view);
  const map_exec exec{line.halt, line.inputs.items.count(), options};
  const auto by_rule
    = line.halt.what != halt_rule::kind::never || uses_slots(line.command);
  engine->handle("exec", by_rule ? exec.handler() : make_exec_handler(options));
  const auto run = choose_run(*engine, line, o.fresh, s);
  if (!run)
    return refuse(*engine, s, is_new, run.error());
  auto reader = engine->open_reader();
  if (!reader)
    return report_error(reader.error());
  map_printer printer{std::move(*reader), run->key, std::move(view),
                      std::move(files), s};
  const work_hooks hooks{
    .each_turn = [&](const auto& make_room) { printer.print(make_room); },
    .halted = [&] { return exec.halted(); },
    .halt_now = line.halt.now,
    .needs_reader = true,
    .metrics_file = o.metrics_file};
  return end_of(printer, *run, work(*engine, {run->id}, s, signals, hooks), s);
}

} // namespace

int run_map(const settings& given, const map_options& o) {
  auto s = given;
  const auto jobs = jobs_of(o.jobs);
  if (!jobs)
    return report_error(jobs.error());
  if (*jobs > 0)
    s.workers = *jobs;
  if (const auto bad = o.dry_run ? error{} : make_database_folder(s))
    return report_error(bad);
  auto line = read_line(o, s, s.mapped);
  if (!line)
    return report_error(line.error());
  say_warnings(s, *line);
  if (o.dry_run)
    return dry_run(*line, o.shell.has_value(), s);
  map_files files;
  if (const auto trouble = files.open(o.results, o.joblog))
    return report_error(trouble);
  if (o.replay)
    return replay(o, *line, std::move(files), s);
  if (const auto trouble = prune_old_maps(s, o.keep))
    return report_error(trouble);
  return work_on(o, *line, std::move(files), s);
}

} // namespace orcon
