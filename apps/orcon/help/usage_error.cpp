#include "apps/orcon/help/usage_error.hpp"

#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/help/command_tree.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "messages/definition/nearest_name.hpp"

namespace orcon {

namespace {

/// The innermost command that was recognised.
const CLI::App& recognised(const CLI::App& app) {
  const auto* at = &app;
  for (auto below = at->get_subcommands(); !below.empty();
       below = at->get_subcommands())
    at = below.front();
  return *at;
}

std::string did_you_mean(std::string_view word,
                         const std::vector<std::string>& known) {
  const auto near = conductor::detail::nearest_name(
    word, std::vector<std::string_view>(known.begin(), known.end()));
  return near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
}

std::string unknown_option(const CLI::App& at, const std::string& word) {
  std::vector<std::string> known;
  for (const auto* option : visible_options(at))
    for (const auto& name : option->get_lnames())
      known.push_back("--" + name);
  const auto name = word.substr(0, word.find('='));
  return fmt::format("there is no option {}{}", name,
                     did_you_mean(name, known));
}

std::string unknown_command(const CLI::App& at, const std::string& word) {
  std::vector<std::string> known;
  std::string all;
  for (const auto* command : visible_commands(at)) {
    known.push_back(command->get_name());
    all += (all.empty() ? "" : ", ") + known.back();
  }
  const auto near = did_you_mean(word, known);
  return fmt::format("there is no command \"{}\"{}", word,
                     near.empty() ? "; there are " + all : near);
}

std::string what_is_wrong(const CLI::App& app, const CLI::App& at,
                          const CLI::ParseError& trouble) {
  const auto left = app.remaining(true);
  const auto group = !visible_commands(at).empty();
  if (!left.empty() && left.front().size() > 1 && left.front()[0] == '-')
    return unknown_option(at, left.front());
  if (!left.empty() && group)
    return unknown_command(at, left.front());
  if (!left.empty())
    return fmt::format("\"{}\" is one argument too many", left.front());
  if (group)
    return "a command is missing";
  return trouble.what();
}

/// CLI11 goes no deeper than one level.
void print_all_help(const CLI::App& command) {
  std::string caller;
  if (const auto* group = command.get_parent()) {
    const auto path = path_of(*group);
    caller = path.empty() ? "orcon" : "orcon " + path;
  }
  put("{}\n", command.help(caller));
  for (const auto* below : visible_commands(command))
    print_all_help(*below);
}

} // namespace

int explain(const CLI::App& app, const CLI::ParseError& trouble) {
  if (dynamic_cast<const CLI::CallForAllHelp*>(&trouble) != nullptr) {
    print_all_help(recognised(app));
    return done;
  }
  if (dynamic_cast<const CLI::CallForVersion*>(&trouble) != nullptr) {
    put("{}\n", trouble.what());
    return done;
  }
  if (trouble.get_exit_code() == 0) {
    app.exit(trouble);
    return done;
  }
  const auto& at = recognised(app);
  const auto path = path_of(at);
  const auto command = path.empty() ? "orcon" : "orcon " + path;
  tell("{}: {}\nsee: {} --help\n", command, what_is_wrong(app, at, trouble),
       command);
  return usage;
}

} // namespace orcon
