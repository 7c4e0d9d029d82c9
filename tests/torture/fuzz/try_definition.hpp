#pragma once

#include <string>

namespace orcon::test {

/// Reads a text as a definition, as `orcon exec` does, and says what is wrong
/// with how it was read; "" = nothing. Errors in the text are no complaint, but
/// they have to name their place.
std::string try_definition(const std::string& text);

} // namespace orcon::test
