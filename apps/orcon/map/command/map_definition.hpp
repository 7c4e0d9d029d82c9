#pragma once

#include <string>
#include <vector>

#include <conductor/definition.hpp>
#include <conductor/json_text.hpp>

#include "apps/orcon/map/map_options.hpp"

/// What a command line of `orcon map` says as a definition.
namespace orcon {

/// The member of a run's `meta` that holds the identity of its command line.
inline constexpr auto line_label = "map";

/// The definition as `orcon exec` would read it: one place checks both. `line`
/// is the identity of the command line.
conductor::json definition_of(const map_options& o,
                              const std::vector<std::string>& argv,
                              conductor::json fanout, const std::string& line);

/// An error of that definition, at the option that it comes from.
conductor::error at_option(const conductor::definition_error& e);

} // namespace orcon
