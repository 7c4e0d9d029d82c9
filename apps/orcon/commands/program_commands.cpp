#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "apps/orcon/help/completion.hpp"
#include "apps/orcon/help/man_page.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

namespace {

std::string version_text() {
  return fmt::format("orcon {} (SQLite {})", ORCON_VERSION,
                     sqlite3_libversion());
}

int version(const settings& s) {
  if (s.output == format::table)
    put("{}\n", version_text());
  else
    print_object(
      s, {{"version", ORCON_VERSION}, {"sqlite", sqlite3_libversion()}});
  return done;
}

} // namespace

void add_program_commands(CLI::App& app, const commands& c) {
  app.add_flag_callback(
    "--version",
    [] {
      throw CLI::CallForVersion{version_text(), 0};
    },
    "Print the version");
  app.add_subcommand("version", "Print the version")->callback([c] {
    c.chosen = [c] { return version(c.common); };
  });

  auto* completion = app.add_subcommand(
    "completion", "Print a completion script for bash, zsh or fish");
  auto shell = std::make_shared<std::string>();
  completion->add_option("shell", *shell, "bash, zsh or fish")
    ->required()
    ->check([](const std::string& name) -> std::string {
      return completion_script(name).empty()
               ? "\"" + name + "\" is not bash, zsh or fish"
               : "";
    });
  completion->callback([c, shell] {
    c.chosen = [shell] {
      put("{}", completion_script(*shell));
      return int{done};
    };
  });

  // Used when the program is installed: its group keeps it out of the help.
  auto* man = app.add_subcommand("man", "Print the manual page in roff");
  man->group("");
  man->callback([c, &app] {
    c.chosen = [&app] {
      put("{}", man_page(app));
      return int{done};
    };
  });
}

} // namespace orcon
