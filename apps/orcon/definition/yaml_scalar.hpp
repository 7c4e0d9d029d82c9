#pragma once

#include <string>
#include <string_view>

#include <conductor/json_text.hpp>

namespace orcon {

inline constexpr std::string_view core_tags = "tag:yaml.org,2002:";

/// What an untyped, unquoted scalar means by the core schema of YAML 1.2: null,
/// true or false, a number, and text for all else (`no`, `on`, dates). The
/// error says why a number cannot be had.
conductor::result<conductor::json> core_scalar(const std::string& text);

/// What a scalar means that has a tag, as the parser reports it: "?" for none,
/// "!" for quoted text.
conductor::result<conductor::json> tagged_scalar(const std::string& tag,
                                                 const std::string& text);

} // namespace orcon
