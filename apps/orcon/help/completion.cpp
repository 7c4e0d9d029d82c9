#include "apps/orcon/help/completion.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "apps/orcon/common_options.hpp"
#include "apps/orcon/default_database.hpp"
#include "apps/orcon/help/command_tree.hpp"
#include "apps/orcon/help/completion_values.hpp"
#include "apps/orcon/help/option_lookup.hpp"
#include "apps/orcon/terminal/print.hpp"

namespace orcon {

namespace {

/// What stands before the cursor, read from left to right.
class reading {
public:
  explicit reading(const CLI::App& app) : command_(&app) {}

  void read(const std::string& word) {
    if (behind_dashes_) {
      ++arguments_;
    } else if (word == "=" && pending_ != nullptr) {
      // bash takes --option=value apart.
    } else if (pending_ != nullptr) {
      note_value(*std::exchange(pending_, nullptr), word);
    } else if (word == "--") {
      behind_dashes_ = true;
      arguments_ = is_map() ? 0 : arguments_;
    } else if (word.starts_with("--")) {
      read_long(word);
    } else if (word.size() > 1 && word[0] == '-') {
      read_short(word);
    } else if (const auto* below = find_command(word)) {
      command_ = below;
      arguments_ = 0;
    } else {
      behind_dashes_ = is_map(); // the mapped command has begun
      ++arguments_;
    }
  }

  const CLI::App& command() const { return *command_; }
  /// The option whose value comes next, if any.
  const CLI::Option* pending() const { return pending_; }
  bool options_may_come() const { return !behind_dashes_; }
  /// Whether a word that begins so belongs to the command of `map`.
  bool in_mapped_command(std::string_view word) const {
    return is_map()
           && (behind_dashes_
               || (pending_ == nullptr && !word.starts_with('-')));
  }
  std::size_t arguments() const { return arguments_; }

  std::string value_of(const std::string& option) const {
    const auto found
      = std::find_if(values_.rbegin(), values_.rend(),
                     [&](const auto& v) { return v.first == option; });
    return found == values_.rend() ? "" : found->second;
  }

private:
  bool is_map() const { return path_of(*command_) == "map"; }

  const CLI::App* find_command(const std::string& word) const {
    for (const auto* below : visible_commands(*command_))
      if (below->get_name() == word)
        return below;
    return nullptr;
  }

  void note_value(const CLI::Option& option, const std::string& value) {
    if (!option.get_lnames().empty())
      values_.emplace_back(option.get_lnames().front(), value);
  }

  void read_long(const std::string& word) {
    const auto equals = word.find('=');
    const auto* option = find_option(*command_, word.substr(0, equals));
    if (!takes_value(option))
      return;
    if (equals == std::string::npos)
      pending_ = option;
    else
      note_value(*option, word.substr(equals + 1));
  }

  void read_short(const std::string& word) {
    const auto found = read_short_options(*command_, word);
    if (found.option != nullptr && found.value.empty())
      pending_ = found.option;
    else if (found.option != nullptr)
      note_value(*found.option, found.value);
  }

  const CLI::App* command_;
  const CLI::Option* pending_ = nullptr;
  bool behind_dashes_ = false;
  std::size_t arguments_ = 0; ///< of the command, before the cursor
  std::vector<std::pair<std::string, std::string>> values_;
};

void add_options(candidates& found, const CLI::App& command,
                 const std::string& begin) {
  for (const auto* option : visible_options(command)) {
    for (const auto& name : option->get_lnames())
      if (("--" + name).starts_with(begin))
        found.words.push_back({"--" + name, option->get_description()});
    if (begin == "-" && option->get_lnames().empty())
      for (const auto& name : option->get_snames())
        found.words.push_back({"-" + name, option->get_description()});
  }
}

void add_commands(candidates& found, const CLI::App& command,
                  const std::string& begin) {
  for (const auto* below : visible_commands(command))
    if (below->get_name().starts_with(begin))
      found.words.push_back({below->get_name(), below->get_description()});
}

/// The argument that stands at `index`; the last one may come again.
const CLI::Option* argument_at(const CLI::App& command, std::size_t index) {
  for (const auto* option : command.get_options()) {
    if (!option->get_positional())
      continue;
    const auto many = option->get_items_expected_max() > 1;
    if (index == 0 || many)
      return option;
    --index;
  }
  return nullptr;
}

/// As in the real thing: flag, environment, configuration file, default.
void read_settings(CLI::App& app, settings& s, const reading& before) {
  s.config = before.value_of("config");
  if (const auto* set = std::getenv("ORCON_CONFIG"); set && s.config.empty())
    s.config = set;
  apply_config_file(app, s);
  if (const auto* set = std::getenv("ORCON_DB"); set && *set)
    s.database = set;
  if (const auto given = before.value_of("db"); !given.empty())
    s.database = given;
  choose_database(s);
}

/// Nobody sees what is said between two keys, and a pipe may be closed.
void hush() {
  const auto nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0)
    ::dup2(nowhere, STDERR_FILENO);
}

} // namespace

candidates complete_words(CLI::App& app, settings& s,
                          std::vector<std::string> words) {
  auto last = words.empty() ? std::string{} : std::move(words.back());
  reading before{app};
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    before.read(words[i]);
  if (last == "=" && before.pending() != nullptr)
    last.clear();
  read_settings(app, s, before);
  const auto values = [&](const CLI::Option* option, std::string_view begin) {
    return values_for(kind_of(*option), begin, s, before.value_of("run"));
  };
  candidates found;
  if (before.in_mapped_command(last)) {
    found.also = before.arguments() == 0 ? "commands" : "files";
  } else if (before.pending() != nullptr) {
    found = values(before.pending(), last);
  } else if (const auto equals = last.find('=');
             before.options_may_come() && last.starts_with("--")
             && equals != std::string::npos) {
    const auto name = last.substr(0, equals);
    if (const auto* option = find_option(before.command(), name);
        takes_value(option))
      found = values(option, last.substr(equals + 1));
    for (auto& word : found.words)
      word.text = name + "=" + word.text;
  } else if (before.options_may_come() && last.starts_with("-")) {
    add_options(found, before.command(), last);
  } else {
    if (const auto* argument
        = argument_at(before.command(), before.arguments()))
      found = values(argument, last);
    add_commands(found, before.command(), last);
  }
  return found;
}

int complete(CLI::App& app, settings& s, std::vector<std::string> words) {
  hush();
  if (!words.empty() && words.front() == "--")
    words.erase(words.begin());
  try {
    const auto found = complete_words(app, s, std::move(words));
    for (const auto& word : found.words)
      put("{}{}{}\n", word.text, word.note.empty() ? "" : "\t", word.note);
    if (!found.also.empty())
      put(":{}\n", found.also);
  } catch (const std::exception&) {
    // No database, a damaged one, a bad configuration file: no candidates.
  }
  return done;
}

} // namespace orcon
