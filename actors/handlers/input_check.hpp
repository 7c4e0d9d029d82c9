#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/definition.hpp>

namespace conductor {

using input_problems = std::vector<definition_error>;

/// Adds a problem if the input is not an object, and one for each field that is
/// neither `known` nor allowed in every input (fanout, item, index); it names
/// the known field that was probably meant.
void check_fields(const json& input,
                  std::initializer_list<std::string_view> known,
                  input_problems& found);

/// The member's value if it is a string without NUL bytes; null if there is no
/// such member; null and a problem if it is anything else.
const std::string* string_field(const json& input, const char* name,
                                input_problems& found);

/// Adds a problem if `value`, found at `path`, is not a string without NUL.
bool check_text(const json& value, const std::string& path,
                input_problems& found);

/// `name` as one step of a JSON pointer.
std::string pointer_step(std::string_view name);

} // namespace conductor
