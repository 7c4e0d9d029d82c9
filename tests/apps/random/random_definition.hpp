#pragma once

#include <cstdint>
#include <string>

#include <conductor/json_text.hpp>

/// Definitions that nobody would write, but that are valid: for comparing what
/// the engine does with what the rules say.
namespace orcon::test {

/// The handler whose attempts follow a script: `input.script[index - 1]` (the
/// first one for a leaf) lists how its attempts end, later ones succeed.
///   "" succeeds · "!type" fails, not retryable · "~type" fails and asks for a
///   retry at once · "throw" throws · any other text fails with that type
inline constexpr auto scripted_handler = "scripted";

struct definition_wish {
  bool scripted = true; ///< false: only what `orcon` itself can execute
  std::string folder; ///< holds the files lines-0 … lines-9, of 0 … 9 lines
};

/// The same seed gives the same definition.
conductor::json random_definition(std::uint64_t seed,
                                  const definition_wish& wish);

} // namespace orcon::test
