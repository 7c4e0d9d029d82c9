#include "apps/orcon/help/command_tree.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace orcon {

std::string path_of(const CLI::App& command) {
  if (command.get_parent() == nullptr)
    return {};
  const auto above = path_of(*command.get_parent());
  return above.empty() ? command.get_name() : above + " " + command.get_name();
}

std::vector<const CLI::App*> visible_commands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) {
    return !command->get_group().empty() && !command->get_disabled();
  });
}

std::vector<const CLI::Option*> visible_options(const CLI::App& command) {
  std::vector<const CLI::Option*> all;
  for (const auto* at = &command; at != nullptr; at = at->get_parent())
    for (const auto* option : at->get_options()) {
      const auto known = [&](const CLI::Option* o) {
        return o->get_name() == option->get_name();
      };
      if (option->nonpositional() && !option->get_group().empty()
          && std::none_of(all.begin(), all.end(), known))
        all.push_back(option);
    }
  return all;
}

std::string kind_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

std::vector<std::string_view> values_of_kind(std::string_view kind) {
  if (kind == "STATE")
    return {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"};
  if (kind == "FORMAT")
    return {"table", "json", "jsonl"};
  if (kind == "WHEN")
    return {"auto", "always", "never"};
  if (kind == "SHELL")
    return {"bash", "zsh", "fish"};
  return {};
}

} // namespace orcon
