#pragma once

#include <cstddef>
#include <string>

#include "apps/orcon/definition/yaml.hpp"

namespace orcon {

/// What YAML from outside may cost, aliases expanded.
struct yaml_limits {
  std::size_t depth = 64;         ///< nested lists and maps
  std::size_t nodes = 5'000'000;  ///< scalars, lists and maps
  std::size_t bytes = 256u << 20; ///< of scalars and keys
};

/// Reads one document of YAML 1.2 from valid UTF-8; `name` begins errors.
conductor::result<document> read_yaml(const std::string& text,
                                      const std::string& name,
                                      const yaml_limits& limits = {});

} // namespace orcon
