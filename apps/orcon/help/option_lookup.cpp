#include "apps/orcon/help/option_lookup.hpp"

#include <CLI/CLI.hpp>

namespace orcon {

const CLI::Option* find_option(const CLI::App& command,
                               const std::string& name) {
  for (const auto* at = &command; at != nullptr; at = at->get_parent())
    if (const auto* option = at->get_option_no_throw(name))
      return option;
  return nullptr;
}

bool takes_value(const CLI::Option* option) {
  return option != nullptr && option->get_expected_max() > 0
         && option->get_type_size() > 0;
}

short_options read_short_options(const CLI::App& command,
                                 const std::string& word) {
  for (std::size_t i = 1; i < word.size(); ++i)
    if (const auto* option = find_option(command, std::string{'-', word[i]});
        takes_value(option))
      return {option, word.substr(i + 1)};
  return {};
}

namespace {

/// Whether the value of an option is the word after this one.
bool value_follows(const CLI::App& command, const std::string& word) {
  if (word.starts_with("--"))
    return word.find('=') == std::string::npos
           && takes_value(find_option(command, word));
  const auto found = read_short_options(command, word);
  return found.option != nullptr && found.value.empty();
}

} // namespace

std::vector<std::string> take_mapped_command(const CLI::App& app, int& argc,
                                             char** argv) {
  const auto* map = app.get_subcommand("map");
  const auto* at = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word{argv[i]};
    const bool is_option = word.size() > 1 && word[0] == '-' && word != "--";
    if (is_option) {
      i += value_follows(*at, word) ? 1 : 0;
    } else if (at == map) {
      std::vector<std::string> tail(argv + i + (word == "--" ? 1 : 0),
                                    argv + argc);
      argc = i;
      return tail;
    } else if (word == "map") {
      at = map;
    } else {
      break; // another command
    }
  }
  return {};
}

} // namespace orcon
