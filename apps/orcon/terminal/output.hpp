#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <conductor/json_text.hpp>
#include <conductor/time.hpp>

#include "apps/orcon/cli.hpp"
#include "apps/orcon/terminal/text_width.hpp"

/// What commands print: rows as JSON objects, shown as a table to people and
/// as JSON to programs.
namespace orcon {

using conductor::ordered_json;

/// Prints rows to stdout. A table (see table.hpp) has the given columns, which
/// are keys of the rows.
void print_rows(const settings& s, const std::vector<std::string>& columns,
                const std::vector<ordered_json>& rows);
/// Prints one object: JSON, or "key  value" lines.
void print_object(const settings& s, const ordered_json& object);

/// One line on stderr, "orcon: ...", unless -q.
void say(const settings& s, std::string_view text);
/// The same only with -v.
void say_more(const settings& s, std::string_view text);

/// Whether a descriptor is a terminal that understands more than lines.
bool is_screen(int fd);
/// Whether to paint; `fd` is 1 or 2.
bool use_color(const settings& s, int fd);
/// Wraps text in an ANSI colour for a state ("SUCCEEDED" green, …) if `on`.
std::string paint_state(std::string_view state, bool on);

/// Columns of the terminal; 80 if there is none.
unsigned terminal_width(int fd);
/// Rows of the terminal; 24 if there is none.
unsigned terminal_height(int fd);
/// "1,234,567".
std::string with_commas(std::int64_t n);
/// "1m 05s", "350ms".
std::string human_duration(conductor::milliseconds d);

} // namespace orcon
