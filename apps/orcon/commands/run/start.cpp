#include <CLI/CLI.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/commands/work.hpp"
#include "apps/orcon/default_database.hpp"
#include "apps/orcon/definition/definition_file.hpp"
#include "apps/orcon/terminal/hints.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

void add_options(CLI::App& app, std::string& file) {
  app.add_option("file", file, "Definition; - is standard input")->required();
}

int start(const settings& s, const std::string& file) {
  auto definition = read_definition_file(file);
  if (definition.exit_code != done)
    return definition.exit_code;
  const auto is_new = !has_database(s);
  if (const auto refused = make_database_folder(s))
    return report_error(refused);
  auto opened = engine::open({.database = s.database, .work = false});
  if (!opened)
    return report_error(opened.error());
  const auto run = opened->submit(definition.spec);
  if (!run)
    return refuse(*opened, s, is_new, run.error());
  if (s.output == format::table)
    put("{}\n", run->id);
  else
    print_object(s, {{"id", run->id}, {"existed", run->existed}});
  if (!s.quiet)
    tell("orcon: {} in {}; work it with:  {}\n",
         run->existed ? "known by its idempotency_key" : "accepted", s.database,
         with_database(s, "orcon resume " + run->id));
  return done;
}

} // namespace

command run_start_command() {
  return {.path = "run start",
          .summary = "Submit a definition without working it",
          .examples = "id=$(orcon run start -q checksums.yaml)\n"
                      "orcon resume $id",
          .exits = {done, usage, not_found, unusable},
          .prepare = with(add_options, start)};
}

} // namespace orcon
