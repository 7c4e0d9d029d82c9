#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace orcon {

/// Columns that UTF-8 text takes on a terminal: combining marks take none, East
/// Asian characters and pictures two.
std::size_t display_width(std::string_view text);

/// At most `width` columns of the first line; "…" where cut. Control
/// characters and those that change the direction of text become spaces.
std::string shorten(std::string_view text, std::size_t width);

/// The text with spaces after it up to `width` columns.
std::string padded(std::string text, std::size_t width);

} // namespace orcon
