#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/definition.hpp>

namespace conductor {

using input_problems = std::vector<definition_error>;

/// Adds a problem unless the input is an object, and one for each field that
/// is neither `known` nor one of what every task may have (fanout, item,
/// index), with the known field it may stand for.
void check_fields(const json& input,
                  std::initializer_list<std::string_view> known,
                  input_problems& found);

/// The member's value if it is a string without NUL bytes; null, with a
/// problem, if it is something else; null if there is none.
const std::string* string_field(const json& input, const char* name,
                                input_problems& found);

/// Adds a problem unless `value`, found at `path`, is a string without NUL.
bool check_text(const json& value, const std::string& path,
                input_problems& found);

/// `name` as one step of a JSON pointer.
std::string pointer_step(std::string_view name);

} // namespace conductor
