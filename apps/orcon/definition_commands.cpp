#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/definition_file.hpp"
#include "apps/orcon/output.hpp"

namespace orcon {

using namespace conductor;

void add_definition_commands(CLI::App& app, const commands& c) {
  auto* group
    = app.add_subcommand("def", "Run definitions: lint, schema");
  group->require_subcommand(1);
  group->fallthrough();

  auto* lint = group->add_subcommand("lint", "Check definitions; run nothing");
  lint->fallthrough();
  auto files = std::make_shared<std::vector<std::string>>();
  lint->add_option("files", *files, "Definitions; - is standard input")
    ->required();
  lint->callback([c, files] {
    c.chosen = [c, files] {
      int code = done;
      for (const auto& file : *files) {
        const auto read = read_definition_file(file);
        if (read.exit_code != done)
          code = read.exit_code;
        else if (!c.common.quiet)
          fmt::print("{}: ok, {} task(s)\n", file, read.spec.tasks.size());
      }
      return code;
    };
  });

  auto* schema = group->add_subcommand("schema", "Print the JSON Schema");
  schema->fallthrough();
  schema->callback([c] {
    c.chosen = [] {
      fmt::print("{}\n", definition_schema().dump(2));
      return int{done};
    };
  });
}

} // namespace orcon
