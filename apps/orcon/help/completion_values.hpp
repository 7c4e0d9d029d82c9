#pragma once

#include <string>
#include <string_view>

#include "apps/orcon/help/completion.hpp"

namespace orcon {

/// Values of one kind ("STATE", "RUN", "TASK", "FILE", ...) that begin with
/// `begin`. Runs and tasks come from the database; `run` is the run whose tasks
/// are wanted, or empty for the newest.
candidates values_for(std::string_view kind, std::string_view begin,
                      const settings& s, const std::string& run);

} // namespace orcon
