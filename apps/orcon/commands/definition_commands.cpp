#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

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

} // namespace

void add_definition_commands(CLI::App& app, const commands& c) {
  auto* group = app.add_subcommand("def", "Run definitions: lint, schema");
  group->require_subcommand(1);
  group->fallthrough();

  auto* lint = group->add_subcommand("lint", "Check definitions; run nothing");
  lint->fallthrough();
  auto files = std::make_shared<std::vector<std::string>>();
  lint->add_option("files", *files, "Definitions; - is standard input")
    ->required();
  lint->callback([c, files] {
    c.chosen = [c, files] { return lint_all(c.common, *files); };
  });

  auto* schema = group->add_subcommand("schema", "Print the JSON Schema");
  schema->fallthrough();
  schema->callback([c] {
    c.chosen = [c] {
      const auto indent = c.common.output == format::jsonl ? -1 : 2;
      put("{}\n", definition_schema().dump(indent));
      return int{done};
    };
  });
}

} // namespace orcon
