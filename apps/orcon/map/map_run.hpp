#pragma once

#include <string>
#include <vector>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/map/map_options.hpp"

namespace orcon {

/// The whole command `orcon map`; `words` are the command and its lists of
/// inputs. Returns the exit code.
int run_map(settings s, const map_options& o, std::vector<std::string> words);

} // namespace orcon
