#include <CLI/CLI.hpp>

#include "apps/orcon/command.hpp"
#include "apps/orcon/help/completion.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

namespace {

void add_options(CLI::App& app, std::string& shell) {
  app.add_option("shell", shell, "bash, zsh or fish")
    ->required()
    ->check([](const std::string& name) -> std::string {
      return completion_script(name).empty()
               ? "\"" + name + "\" is not bash, zsh or fish"
               : "";
    });
}

int print_script(const settings&, const std::string& shell) {
  put("{}", completion_script(shell));
  return done;
}

} // namespace

command completion_command() {
  return {.path = "completion",
          .summary = "Print a completion script for bash, zsh or fish",
          .examples
          = "source <(orcon completion bash)            in ~/.bashrc\n"
            "source <(orcon completion zsh)             in ~/.zshrc, "
            "after compinit\n"
            "orcon completion fish > "
            "~/.config/fish/completions/orcon.fish",
          .exits = {done, usage},
          .prepare = with(add_options, print_script)};
}

} // namespace orcon
