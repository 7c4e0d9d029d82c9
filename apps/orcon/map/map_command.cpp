
#include <CLI/CLI.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/map/map_options.hpp"
#include "apps/orcon/map/map_run.hpp"

namespace orcon {

namespace {

constexpr auto help_text = R"(
The first word that is not an option begins the command; "--" before it is
allowed. Inputs follow ":::", or are the lines of files that follow "::::" or
-a, or of standard input. Several lists are combined: each input of one with
each of the others; ":::+" and "::::+" link a list to the one before it.

  {} {item}    the input             {#} {index}  its number
  {.}          without extension     {%}          number of the job slot
  {/}          name without folder   {1} {2} {-1} one of several inputs
  {//}         folder                {1.} {1/}    a part of it
  {/.}         name, no extension

The input is the last argument of a command that names none of these. With -c
the command is a text for the shell, and what a placeholder stands for is
quoted. Inputs may be any bytes.

Commands inherit the environment; --env adds to it. Only values that --env gives
are stored.

The same line on the same database resumes a run that has not ended, tries
again what did not succeed in one that FAILED, and otherwise starts a new one.
)";

void add_input_options(CLI::App& map_app, map_options& o) {
  map_app
    .add_option("-a,--arg-file", o.list_files,
                "Inputs, one per line; may be repeated")
    ->allow_extra_args(false)
    ->type_name("FILE");
  map_app.add_flag_callback(
    "-0,--null", [&o] { o.delimiter = "\\0"; },
    "Inputs in files end with a NUL byte, as find -print0 writes them");
  map_app
    .add_option("-d,--delimiter", o.delimiter,
                "The byte that ends an input in a file, e.g. ',' or '\\t'")
    ->type_name("BYTE");
  map_app.add_flag("--pipe", o.pipe,
                   "Split the input into blocks of whole lines; each command "
                   "reads one on its standard input");
  map_app
    .add_option("--block", o.block, "Bytes in a block of --pipe (default 1M)")
    ->type_name("SIZE");
  map_app.add_option("-n,--max-args", o.max_args, "Inputs for each command")
    ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
    ->type_name("N");
  map_app.add_flag("-X", o.many,
                   "As many inputs for each command as fit, shared out between "
                   "the jobs; the word around {} is repeated for each");
}

void add_run_options(CLI::App& map_app, map_options& o) {
  map_app
    .add_option_function<std::string>(
      "-c", [&o](const std::string& text) { o.shell = text; },
      "A text for sh -c instead of a command; inputs in it are quoted")
    ->type_name("TEXT");
  map_app
    .add_option("-j,--jobs", o.jobs,
                "Commands at once: 8, +2 or 50% of the cores, 0 = as many as "
                "possible (default: number of cores)")
    ->type_name("N");
  map_app.add_option("--retries", o.retries, "Retries of each (default 3)")
    ->check(CLI::Range(0, 1'000'000));
  map_app.add_option("--timeout", o.timeout, "Of one attempt, e.g. 30s");
  map_app.add_option("--tolerate", o.tolerate,
                     "Failures that do not fail the run: a count or e.g. 5%");
  map_app
    .add_option("--halt", o.halt,
                "End early: now or soon, and fail, success or done = N or N%; "
                "e.g. now,fail=1")
    ->type_name("WHEN");
  map_app.add_option("--name", o.name, "Name of the run")->type_name("NAME");
  map_app
    .add_option("--env", o.env,
                "A variable that the commands get: NAME as it is then, or "
                "NAME=VALUE; may be repeated")
    ->allow_extra_args(false)
    ->type_name("NAME");
  map_app
    .add_option("--keep", o.keep,
                "How long runs stay in the default database after their end "
                "(default 720h)")
    ->envname("ORCON_KEEP")
    ->type_name("DURATION");
}

void add_output_options(CLI::App& map_app, map_options& o) {
  map_app.add_flag("-k,--keep-order", o.keep_order,
                   "Outputs in the order of the inputs");
  map_app
    .add_flag("--line-buffer,--lb", o.line_buffer,
              "Print each line when it is written, not all output at the end")
    ->excludes("--keep-order");
  map_app.add_flag("--tag", o.tag,
                   "Begin each line of output with the input and a tab");
  map_app.add_option("--results", o.results,
                     "Also write FOLDER/INDEX/stdout, stderr, exit_code");
  map_app
    .add_option("--joblog", o.joblog,
                "Also write a line for each command, as GNU parallel does")
    ->type_name("FILE");
  map_app.add_flag("--dry-run", o.dry_run, "Print the commands, run nothing");
  map_app.add_flag("--fresh", o.fresh,
                   "Start a new run whatever has become of the last one");
  map_app
    .add_flag("--replay", o.replay,
              "Print what the last run of this line printed, run nothing")
    ->excludes("--fresh");
}

void add_options(CLI::App& app, map_options& o) {
  add_work_options(app, o.metrics_file);
  add_input_options(app, o);
  add_run_options(app, o);
  add_output_options(app, o);
}

} // namespace

command map_command() {
  return {.path = "map",
          .summary
          = "A durable, resumable fan-out of one command over many inputs",
          .help = help_text,
          .examples
          = "find src -name '*.cpp' | orcon map wc -l {}\n"
            "orcon map -j 8 --retries 3 curl -fsS -o {#}.html {} ::: http://a "
            "http://b\n"
            "orcon map -c 'zcat {} | wc -l > {.}.count' ::: *.gz\n"
            "orcon map -a files.txt --keep-order sha256sum {}",
          .exits = {done, operation_failed, usage, run_failed, run_cancelled,
                    not_found, conflict, unusable, interrupted},
          .prepare = with(add_options, run_map)};
}

} // namespace orcon
