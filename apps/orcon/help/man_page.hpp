#pragma once

#include <string>

namespace CLI {
class App;
}

namespace orcon {

/// The manual page in roff (man macros), from the command line's own help.
std::string man_page(const CLI::App& app);

} // namespace orcon
