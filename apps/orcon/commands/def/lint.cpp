
#include <CLI/CLI.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/definition/definition_file.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

using namespace conductor;

namespace {

int lint_all(const settings& s, const std::vector<std::string>& files) {
  int code = done;
  std::vector<ordered_json> rows;
  for (const auto& file : files) {
    const auto read = read_definition_file(file);
    const auto good = read.exit_code == done;
    code = good ? code : read.exit_code;
    rows.push_back(
      {{"file", file}, {"ok", good}, {"tasks", read.spec.tasks.size()}});
    if (good && s.output == format::table && !s.quiet)
      put("{}: ok, {} task(s)\n", file, read.spec.tasks.size());
  }
  if (s.output != format::table)
    print_rows(s, {}, rows);
  return code;
}

void add_options(CLI::App& app, std::vector<std::string>& files) {
  app.add_option("files", files, "Definitions; - is standard input")
    ->required();
}

} // namespace

command def_lint_command() {
  return {.path = "def lint",
          .summary = "Check definitions; run nothing",
          .examples = "orcon def lint examples/*.yaml",
          .exits = {done, usage, not_found},
          .prepare = with(add_options, lint_all)};
}

} // namespace orcon
