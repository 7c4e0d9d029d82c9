#pragma once

#include <string>
#include <utility>
#include <vector>

#include <conductor/error.hpp>
#include <conductor/json_text.hpp>

#include "actors/handlers/input_check.hpp"

namespace conductor {

enum class exec_stdin { none, input, item, text };
enum class exec_stdout { text, parsed, discard };

/// The input of an `exec` task, with its placeholders not yet replaced.
struct exec_input {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  bool inherit_env = false; ///< the whole environment of the engine
  std::string cwd;
  exec_stdin stdin_from = exec_stdin::none;
  std::string stdin_text;
  exec_stdout stdout_as = exec_stdout::text;
  std::size_t stdout_limit = 0; ///< bytes kept; 0 = the handler's default
};

input_problems check_exec_input(const json& input);

/// The error is the first problem that `check_exec_input` finds.
result<exec_input> read_exec_input(const json& input);

} // namespace conductor
