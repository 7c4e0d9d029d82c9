#include "apps/orcon/map/command/map_definition.hpp"

#include <array>
#include <charconv>

#include "apps/orcon/terminal/text_width.hpp"

namespace orcon {

using namespace conductor;

namespace {

/// "map sha256sum" for /usr/bin/sha256sum, "map zcat" for -c 'zcat {}'; names
/// of runs have no '/' or '#'.
std::string default_name(const map_options& o,
                         const std::vector<std::string>& argv) {
  const auto& text = o.shell ? *o.shell : argv.front();
  const auto program = text.substr(0, o.shell ? text.find(' ') : text.npos);
  auto name = program.substr(program.rfind('/') + 1);
  std::erase(name, '#');
  return shorten("map " + name, 100);
}

/// What a database can keep of one command's output.
constexpr std::size_t stdout_limit = 256u << 20;

/// "NAME=value", or "NAME" for what it is when the command runs.
json environment_of(const std::vector<std::string>& named) {
  json env = json::object();
  for (const auto& one : named)
    if (const auto equals = one.find('='); equals != one.npos)
      env[one.substr(0, equals)] = one.substr(equals + 1);
    else
      env[one] = "${env:" + one + "}";
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

json definition_of(const map_options& o, const std::vector<std::string>& argv,
                   json fanout, const std::string& line) {
  json task{{"handler", "exec"},
            {"input",
             {{"argv", argv},
              {"inherit_env", true},
              {"fanout", std::move(fanout)},
              {"stdout_limit", stdout_limit}}},
            {"max_retries", o.retries},
            {"tolerate", 0}};
  if (o.pipe)
    task["input"]["stdin"] = "item";
  if (!o.env.empty())
    task["input"]["env"] = environment_of(o.env);
  if (!o.timeout.empty())
    task["timeout"] = o.timeout;
  if (!o.tolerate.empty())
    task["tolerate"] = share_of(o.tolerate);
  return {{"version", 1},
          {"name", o.name.empty() ? default_name(o, argv) : o.name},
          {"meta", {{line_label, line}}},
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
