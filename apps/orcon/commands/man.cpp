#include <CLI/CLI.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/help/man_page.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

namespace {

void keep_program(CLI::App& app, const CLI::App*& program) {
  program = app.get_parent();
}

int print_page(const settings&, const CLI::App* const& program) {
  put("{}", man_page(*program));
  return done;
}

} // namespace

/// Used when the program is installed, and hidden otherwise.
command man_command() {
  return {.path = "man",
          .summary = "Print the manual page in roff",
          .examples = "orcon man | man -l -",
          .exits = {done},
          .prepare = with(keep_program, print_page),
          .hidden = true};
}

} // namespace orcon
