#include "apps/orcon/terminal/hints.hpp"

#include "apps/orcon/map/inputs/map_inputs.hpp"
#include "apps/orcon/terminal/output.hpp"

namespace orcon {

std::string with_database(const settings& s, const std::string& command) {
  return s.database_named ? command + " --db " + shell_quoted(s.database)
                          : command;
}

std::string with_databases(const settings& s, const std::string& text) {
  std::string out;
  for (std::size_t from = 0;;) {
    const auto begin = text.find("`orcon ", from);
    const auto end = text.find('`', begin + 1);
    if (begin == std::string::npos || end == std::string::npos)
      return out + text.substr(from);
    out += text.substr(from, begin + 1 - from)
           + with_database(s, text.substr(begin + 1, end - begin - 1)) + '`';
    from = end + 1;
  }
}

std::string option(const char* name, const std::string& value) {
  return value.empty() ? ""
                       : std::string{" "} + name + " " + shell_quoted(value);
}

void say_there_is_more(const settings& s, const std::string& command) {
  if (s.output == format::table)
    say(s, "there are more:  " + with_database(s, command));
}

} // namespace orcon
