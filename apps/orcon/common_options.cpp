#include "apps/orcon/common_options.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/orcon/definition/yaml.hpp"
#include "apps/orcon/terminal/output.hpp"
#include "apps/orcon/terminal/print.hpp"
#include "messages/definition/nearest_name.hpp"

namespace orcon {

using namespace conductor;

namespace fs = std::filesystem;

namespace {

format parse_format(const std::string& text) {
  if (text == "table")
    return format::table;
  if (text == "json")
    return format::json;
  if (text == "jsonl")
    return format::jsonl;
  throw CLI::ValidationError("--output",
                             "\"" + text + "\" is not table, json or jsonl");
}

std::string parse_color(const std::string& text) {
  if (text == "auto" || text == "always" || text == "never")
    return text;
  throw CLI::ValidationError("--color",
                             "\"" + text + "\" is not auto, always or never");
}

/// A key of the configuration file: the long name of a common option.
struct key {
  std::string_view name;
  bool (*fits)(const json&);
  std::string_view kind;
};

bool is_text(const json& v) {
  return v.is_string();
}
bool is_truth(const json& v) {
  return v.is_boolean();
}
bool is_number(const json& v) {
  return v.is_number_integer();
}

constexpr std::array<key, 7> keys{{{"db", is_text, "text"},
                                   {"output", is_text, "text"},
                                   {"color", is_text, "text"},
                                   {"workers", is_number, "a whole number"},
                                   {"quiet", is_truth, "true or false"},
                                   {"verbose", is_truth, "true or false"},
                                   {"keep", is_text, "text"}}};

std::string unknown_key(const std::string& name) {
  std::vector<std::string_view> known;
  std::string all;
  for (const auto& k : keys) {
    known.push_back(k.name);
    all += (all.empty() ? "" : ", ") + std::string{k.name};
  }
  const auto near = detail::nearest_name(name, known);
  if (near.empty())
    return "unknown key; there are " + all;
  return "unknown key; did you mean \"" + std::string{near} + "\"?";
}

/// Gives a value to an option unless it has one; returns what is wrong.
std::string apply(CLI::App& app, const std::string& name, const json& value,
                  const std::string& file) {
  const auto* known = std::find_if(
    keys.begin(), keys.end(), [&](const key& k) { return k.name == name; });
  if (known == keys.end())
    return unknown_key(name);
  if (!known->fits(value))
    return fmt::format("must be {}", known->kind);
  auto text = value.is_string() ? value.get<std::string>() : value.dump();
  if (name == "db") {
    if (text.empty())
      return "must not be empty";
    text = path_in_config(text, file);
  }
  auto* option = (name == "keep" ? app.get_subcommand("map") : &app)
                   ->get_option("--" + name);
  if (option->count() > 0)
    return {}; // a flag or the environment said otherwise
  try {
    option->add_result(text);
    option->run_callback();
  } catch (const CLI::Error& e) {
    return e.what();
  }
  // Only flags and the environment count as given.
  option->clear();
  return {};
}

bool is_blank(const std::string& path) {
  std::error_code none;
  if (!fs::is_regular_file(path, none))
    return fs::is_character_file(path, none); // /dev/null
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find_first_not_of(" \t\r");
    if (first != std::string::npos && line[first] != '#')
      return false;
  }
  return !file.bad();
}

} // namespace

void add_common_options(CLI::App& app, settings& s) {
  app
    .add_option(
      "--db", s.database,
      "Database file (default: ./orcon.db if there is one, else one in "
      "the state folder)")
    ->envname("ORCON_DB")
    ->type_name("FILE");
  app
    .add_option_function<std::string>(
      "-o,--output",
      [&s](const std::string& text) { s.output = parse_format(text); },
      "table, json or jsonl (default: table)")
    ->envname("ORCON_OUTPUT")
    ->type_name("FORMAT");
  app.add_flag("-q,--quiet", s.quiet, "No progress, no messages; only data");
  app.add_flag("-v,--verbose", s.verbose,
               "Say more on stderr: settings, failed attempts");
  app
    .add_option_function<std::string>(
      "--color", [&s](const std::string& text) { s.color = parse_color(text); },
      "auto, always or never (auto heeds NO_COLOR)")
    ->envname("ORCON_COLOR")
    ->type_name("WHEN");
  app
    .add_option("--workers", s.workers,
                "Attempts executed at once (default: number of cores)")
    ->envname("ORCON_WORKERS")
    ->check(CLI::Range(0u, 100'000u))
    ->type_name("N");
  app
    .add_option("--config", s.config,
                "Settings (default: ~/.config/orcon/config.yaml)")
    ->envname("ORCON_CONFIG")
    ->type_name("FILE");
  app.add_flag_callback(
    "--version",
    [] {
      throw CLI::CallForVersion{version_text(), 0};
    },
    "Print the version");
}

std::string find_config_file(const std::string& given) {
  if (!given.empty())
    return given;
  const auto* xdg = std::getenv("XDG_CONFIG_HOME");
  const auto* home = std::getenv("HOME");
  fs::path folder;
  // The XDG specification has relative paths ignored.
  if (xdg && fs::path{xdg}.is_absolute())
    folder = xdg;
  else if (home && *home)
    folder = fs::path{home} / ".config";
  else
    return {};
  std::error_code ignored;
  for (const auto* name : {"config.yaml", "config.yml", "config.json"})
    if (const auto path = folder / "orcon" / name; fs::exists(path, ignored))
      return path.string();
  return {};
}

std::string path_in_config(const std::string& text,
                           const std::string& config_file) {
  const auto* home = std::getenv("HOME");
  if (text.starts_with("~/") && home && *home)
    return (fs::path{home} / text.substr(2)).string();
  // An absolute path stays what it is.
  return (fs::path{config_file}.parent_path() / text).string();
}

int apply_config_file(CLI::App& app, settings& s) {
  const auto file = find_config_file(s.config);
  if (file.empty() || is_blank(file))
    return done;
  const auto read = load_definition_file(file);
  if (!read)
    return report_error(read.error());
  if (!read->value.is_object() && !read->value.is_null()) {
    tell("orcon: {}: must be a map of settings\n", place_name(*read, file, ""));
    return usage;
  }
  int code = done;
  for (const auto& [name, value] : read->value.items()) {
    std::string pointer;
    append_step(pointer, name);
    const auto trouble = apply(app, name, value, file);
    if (trouble.empty())
      continue;
    tell("orcon: {}: {}: {}\n", place_name(*read, file, pointer), pointer,
         trouble);
    code = usage;
  }
  if (code == done)
    say_more(s, "settings from " + file);
  return code;
}

} // namespace orcon
