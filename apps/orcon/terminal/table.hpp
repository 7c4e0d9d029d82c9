#pragma once

#include <string>
#include <vector>

#include <conductor/json_text.hpp>

namespace orcon {

/// How a table is to look.
struct table_look {
  std::size_t width = 0; ///< of the terminal; 0 = there is none
  bool color = false;
};

/// A value as a table shows it: "-" for null, text without quotes.
std::string cell(const conductor::ordered_json& value);

/// Rows with a line of headers: the names of the columns in capitals. Cells
/// are cut at 60 columns, and on a terminal so that lines fit; ids, times,
/// states and numbers are never cut. A terminal that is too narrow for that
/// shows fewer columns, from the left; a very narrow one a block of lines a
/// row.
std::string table_text(const std::vector<std::string>& columns,
                       const std::vector<conductor::ordered_json>& rows,
                       const table_look& look);

} // namespace orcon
