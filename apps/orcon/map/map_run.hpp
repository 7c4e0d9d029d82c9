#pragma once

#include "apps/orcon/cli.hpp"
#include "apps/orcon/map/map_options.hpp"

namespace orcon {

/// The whole command `orcon map`; `s.mapped` holds the command and its lists
/// of inputs. Returns the exit code.
int run_map(const settings& s, const map_options& o);

} // namespace orcon
