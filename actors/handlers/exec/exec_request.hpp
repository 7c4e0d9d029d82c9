#pragma once

#include <map>
#include <string>

#include <conductor/error.hpp>
#include <conductor/handler.hpp>

#include "actors/handlers/exec/exec_input.hpp"
#include "actors/handlers/process/process_runner.hpp"

namespace conductor {

/// Variables by name.
using environment = std::map<std::string, std::string>;

/// The environment of this program, and the part of it that every process gets.
struct own_environment {
  environment whole, allowed;
};
own_environment read_environment();

/// The process that one attempt asks for; the error says why there is none.
result<process_spec> make_process(const attempt& work, const exec_input& input,
                                  const own_environment& own);

} // namespace conductor
