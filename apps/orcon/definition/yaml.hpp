#pragma once

#include <string>
#include <utility>

#include <conductor/json_text.hpp>
#include <conductor/run_spec.hpp>

#include "apps/orcon/definition/places.hpp"

namespace orcon {

/// A definition as read from a file.
struct document {
  conductor::json value;
  /// Maps a JSON pointer to the 1-based line and column where it is written: a
  /// member's key, an element's start. Very long lists are not listed whole.
  place_map places;
};

/// Reads JSON or YAML (1.2, core schema); "-" is standard input. Errors are one
/// sentence that begins with the place: "runs.yaml:3:7: ...".
conductor::result<document> load_definition_file(const std::string& path);

/// "runs.yaml:3:7" of a JSON pointer, or of the nearest value around it.
std::string place_name(const document& from, const std::string& file,
                       const std::string& pointer);

/// Puts tasks that were given by name into the order of the file, which a JSON
/// object does not keep.
void order_as_written(const document& from, conductor::run_spec& spec);

} // namespace orcon
