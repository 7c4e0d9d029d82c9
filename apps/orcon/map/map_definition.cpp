#include "apps/orcon/map/map_definition.hpp"

#include <array>
#include <charconv>

#include "apps/orcon/terminal/text_width.hpp"

namespace orcon {

using namespace conductor;

namespace {

/// "map sha256sum" for /usr/bin/sha256sum; names of runs have no '/' or '#'.
std::string default_name(const std::string& program) {
  auto name = program.substr(program.rfind('/') + 1);
  std::erase(name, '#');
  return shorten("map " + name, 100);
}

/// What a database can keep of one command's output.
constexpr std::size_t stdout_limit = 256u << 20;

/// "NAME=value", or "NAME" for what it is when the command runs.
json environment_of(const std::vector<std::string>& wishes) {
  json env = json::object();
  for (const auto& wish : wishes)
    if (const auto equals = wish.find('='); equals != wish.npos)
      env[wish.substr(0, equals)] = wish.substr(equals + 1);
    else
      env[wish] = "${env:" + wish + "}";
  return env;
}

/// A count as a number, anything else as it stands.
json share_of(const std::string& text) {
  std::int64_t count = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, bad] = std::from_chars(text.data(), end, count);
  return bad == std::errc{} && rest == end ? json(count) : json(text);
}

} // namespace

void replace(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
}

std::vector<std::string> template_of(std::vector<std::string> command) {
  bool named = false;
  for (auto& argument : command) {
    replace(argument, "{}", "{item}");
    replace(argument, "{#}", "{index}");
    named = named || argument.find("{item") != std::string::npos
            || argument.find("{index}") != std::string::npos;
  }
  if (!named)
    command.emplace_back("{item}");
  return command;
}

json definition_of(const map_options& o, const std::vector<std::string>& argv,
                   json fanout) {
  json task{{"handler", "exec"},
            {"input",
             {{"argv", argv},
              {"inherit_env", true},
              {"fanout", std::move(fanout)},
              {"stdout_limit", stdout_limit}}},
            {"max_retries", o.retries},
            {"tolerate", 0}};
  if (!o.env.empty())
    task["input"]["env"] = environment_of(o.env);
  if (!o.timeout.empty())
    task["timeout"] = o.timeout;
  if (!o.tolerate.empty())
    task["tolerate"] = share_of(o.tolerate);
  return {{"version", 1},
          {"name", o.name.empty() ? default_name(argv.front()) : o.name},
          {"tasks", {{"map", std::move(task)}}}};
}

error at_option(const definition_error& e) {
  constexpr std::array<std::pair<const char*, const char*>, 4> options{
    {{"/tasks/map/timeout", "--timeout"},
     {"/tasks/map/tolerate", "--tolerate"},
     {"/tasks/map/input/env", "--env"},
     {"/name", "--name"}}};
  for (const auto& [path, option] : options)
    if (e.path.starts_with(path))
      return {errc::invalid, std::string{option} + ": " + e.message};
  return {errc::invalid, to_string(e)};
}

} // namespace orcon
