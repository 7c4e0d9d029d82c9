#pragma once

#include <cstddef>
#include <string_view>

/// Checks of YAML text that the parser does not make itself.
namespace orcon {

/// The first control character, or the size if there is none. The parser takes
/// some of these for its end of file, and would drop the rest.
std::size_t control_character(std::string_view text);

/// Whether the scalar at `offset`, if it is quoted, has its closing quote: the
/// parser is content with the end of the file, so with half a definition.
bool quote_ends(std::string_view text, std::size_t offset);

/// Whether the line of `offset` is indented by a tab.
bool indented_by_tab(std::string_view text, std::size_t offset);

} // namespace orcon
