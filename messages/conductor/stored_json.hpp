#pragma once

#include <string_view>

#include <conductor/json_text.hpp>

namespace conductor {

/// Parses a text from the database. Such texts were checked when they were
/// stored, but the file may be damaged: a text that is not JSON, or is nested
/// deeper than `json_limits` allows, gives a value whose `is_discarded()` holds
/// and which is of no other type. Never throws. For `json` and `ordered_json`.
template <class Json = json>
Json parse_stored(std::string_view text);

extern template json parse_stored<json>(std::string_view);
extern template ordered_json parse_stored<ordered_json>(std::string_view);

} // namespace conductor
