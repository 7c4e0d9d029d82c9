#include "apps/orcon/command.hpp"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/help/command_tree.hpp"

namespace orcon {

#define ORCON_COMMAND(name) command name##_command();
#include "apps/orcon/command_list.inc"
#undef ORCON_COMMAND

namespace {

struct command_group {
  std::string_view name, summary;
};

constexpr command_group groups[]{
  {"run", "Runs"},
  {"task", "Tasks"},
  {"event", "Events"},
  {"def", "Run definitions"},
  {"db", "The database file"},
  {"bench", "Measure the engine on this machine (on a new database)"}};

/// The group of a command; it is created with its first command. Its summary
/// names the commands in it.
CLI::App& group_for(CLI::App& program, const std::string& name,
                    const std::string& command) {
  const auto registered = program.get_subcommands(
    [&](const CLI::App* app) { return app->get_name() == name; });
  if (!registered.empty()) {
    auto* group = registered.front();
    return *group->description(group->get_description() + ", " + command);
  }
  const auto known
    = std::ranges::find(groups, std::string_view{name}, &command_group::name);
  auto* group = program.add_subcommand(name, std::string{known->summary} + ": "
                                               + command);
  return *group->require_subcommand(1);
}

std::string examples_of(const command& c) {
  std::string text = c.examples.find('\n') == std::string_view::npos
                       ? "\nExample:\n"
                       : "\nExamples:\n";
  for (std::size_t at = 0; at < c.examples.size();) {
    const auto end = std::min(c.examples.find('\n', at), c.examples.size());
    text += "  " + std::string{c.examples.substr(at, end - at)} + "\n";
    at = end + 1;
  }
  return text;
}

std::string exit_codes_of(const command& c) {
  std::string text, line = "Exit codes:";
  for (const auto code : c.exits) {
    const auto one = fmt::format(" {} {}{}", int{code}, meaning_of(code),
                                 code == c.exits.back() ? "" : ",");
    if (line.size() + one.size() > 78) {
      text += line + "\n";
      line.clear();
    }
    line += one;
  }
  return text + line;
}

/// What the value of an option or argument is, by the option's name, where the
/// command does not say.
const std::map<std::string_view, std::string_view>& value_names() {
  static const std::map<std::string_view, std::string_view> all{
    {"run", "RUN"},          {"task", "TASK"},
    {"state", "STATE"},      {"before", "RUN"},
    {"file", "FILE"},        {"files", "FILE"},
    {"arg-file", "FILE"},    {"results", "FOLDER"},
    {"timeout", "DURATION"}, {"limit", "N"},
    {"jobs", "N"},           {"retries", "N"},
    {"tasks", "N"},          {"tolerate", "SHARE"},
    {"name", "PATTERN"},     {"shell", "SHELL"},
    {"label", "KEY=VALUE"},  {"since", "MOMENT"},
    {"error", "TYPE"},       {"metrics-file", "FILE"},
    {"scenarios", "N"},      {"to", "FILE"}};
  return all;
}

void name_values_of(CLI::App& command) {
  for (auto* option : command.get_options()) {
    const auto& longs = option->get_lnames();
    const auto name = longs.empty() ? option->get_name(true) : longs.front();
    // CLI11 itself says no more than this.
    const auto type = kind_of(*option);
    if (type != "TEXT" && type != "INT" && type != "UINT" && type != "N")
      continue;
    // Bounds belong in error messages.
    if (option->get_type_name() != type)
      option->get_validator()->description("");
    if (const auto known = value_names().find(name);
        known != value_names().end())
      option->type_name(std::string{known->second});
  }
}

} // namespace

std::vector<command> all_commands() {
  return {
#define ORCON_COMMAND(name) name##_command(),
#include "apps/orcon/command_list.inc"
#undef ORCON_COMMAND
  };
}

void add_command(CLI::App& program, const command& c, const settings& common,
                 action& chosen) {
  const auto space = c.path.find(' ');
  const std::string name{
    c.path.substr(space == std::string_view::npos ? 0 : space + 1)};
  auto& above
    = space == std::string_view::npos
        ? program
        : group_for(program, std::string{c.path.substr(0, space)}, name);
  auto* app = above.add_subcommand(name, std::string{c.summary});
  if (c.hidden)
    app->group("");
  app->footer(std::string{c.help} + examples_of(c) + "\n" + exit_codes_of(c)
              + "\n\nOptions of all commands (--db, -o, ...): orcon --help");
  app->callback([&chosen, act = c.prepare(*app, common)] { chosen = act; });
}

void name_values(CLI::App& program) {
  name_values_of(program);
  for (auto* below : program.get_subcommands({}))
    name_values(*below);
}

} // namespace orcon
