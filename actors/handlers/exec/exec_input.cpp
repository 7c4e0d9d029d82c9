#include "actors/handlers/exec/exec_input.hpp"

#include <algorithm>

namespace conductor {

namespace {

/// Less than SQLite's limit for one value, since JSON escapes bytes.
constexpr std::size_t max_stdout_limit = 256u << 20;

void check_argv(const json& input, input_problems& found) {
  const auto argv = input.find("argv");
  if (argv == input.end()) {
    found.push_back(
      {"/input", "needs an \"argv\": the program and its arguments"});
    return;
  }
  if (!argv->is_array() || argv->empty()) {
    found.push_back({"/input/argv", "must be a list of at least one text"});
    return;
  }
  for (std::size_t i = 0; i < argv->size(); ++i)
    check_text((*argv)[i], "/input/argv/" + std::to_string(i), found);
  if (argv->front() == "")
    found.push_back({"/input/argv/0", "must name a program"});
}

void check_env(const json& input, input_problems& found) {
  const auto inherit = input.find("inherit_env");
  if (inherit != input.end() && !inherit->is_boolean())
    found.push_back({"/input/inherit_env", "must be true or false"});
  const auto env = input.find("env");
  if (env == input.end())
    return;
  if (!env->is_object()) {
    found.push_back({"/input/env", "must be an object"});
    return;
  }
  for (const auto& [name, value] : env->items()) {
    const auto path = "/input/env" + pointer_step(name);
    if (name.empty() || name.find_first_of(std::string("=\0", 2)) != name.npos)
      found.push_back({path, "is not the name of a variable"});
    check_text(value, path, found);
  }
}

void check_stdin(const json& input, input_problems& found) {
  const auto from = input.find("stdin");
  if (from == input.end() || from->is_string())
    return;
  const bool text = from->is_object() && from->size() == 1
                    && from->contains("text") && (*from)["text"].is_string();
  if (!text)
    found.push_back({"/input/stdin", "must be \"none\", \"input\", \"item\", "
                                     "other text, or {\"text\": \"...\"}"});
}

void check_stdout(const json& input, input_problems& found) {
  const auto as = input.find("stdout");
  if (as != input.end() && *as != "text" && *as != "json" && *as != "discard")
    found.push_back(
      {"/input/stdout", "must be \"text\", \"json\" or \"discard\""});
  const auto limit = input.find("stdout_limit");
  if (limit != input.end()
      && !(limit->is_number_unsigned() && *limit >= 1
           && *limit <= max_stdout_limit))
    found.push_back(
      {"/input/stdout_limit", "must be a number of bytes from 1 "
                              "to "
                                + std::to_string(max_stdout_limit)});
}

void read_stdin(const json& from, exec_input& to) {
  to.stdin_from = exec_stdin::text;
  if (from.is_object()) {
    to.stdin_text = from["text"].get<std::string>();
    return;
  }
  to.stdin_text = from.get<std::string>();
  if (to.stdin_text == "none")
    to.stdin_from = exec_stdin::none;
  else if (to.stdin_text == "input")
    to.stdin_from = exec_stdin::input;
  else if (to.stdin_text == "item")
    to.stdin_from = exec_stdin::item;
}

} // namespace

input_problems check_exec_input(const json& input) {
  input_problems found;
  check_fields(
    input,
    {"argv", "env", "inherit_env", "cwd", "stdin", "stdout", "stdout_limit"},
    found);
  if (!input.is_object())
    return found;
  check_argv(input, found);
  check_env(input, found);
  if (const auto* cwd = string_field(input, "cwd", found); cwd && cwd->empty())
    found.push_back({"/input/cwd", "must name a directory"});
  check_stdin(input, found);
  check_stdout(input, found);
  return found;
}

result<exec_input> read_exec_input(const json& input) {
  if (const auto problems = check_exec_input(input); !problems.empty())
    return fail(errc::invalid, to_string(problems.front()));
  exec_input plan;
  plan.argv = input["argv"].get<std::vector<std::string>>();
  if (const auto env = input.find("env"); env != input.end())
    for (const auto& [name, value] : env->items())
      plan.env.emplace_back(name, value.get<std::string>());
  plan.inherit_env = input.value("inherit_env", false);
  plan.cwd = input.value("cwd", "");
  if (const auto from = input.find("stdin"); from != input.end())
    read_stdin(*from, plan);
  plan.stdout_limit = input.value("stdout_limit", std::size_t{0});
  const auto as = input.value("stdout", "text");
  plan.stdout_as = as == "json"      ? exec_stdout::parsed
                   : as == "discard" ? exec_stdout::discard
                                     : exec_stdout::text;
  return plan;
}

} // namespace conductor
