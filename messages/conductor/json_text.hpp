#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <conductor/error.hpp>

namespace conductor {

using json = nlohmann::json;
/// Keeps the order of keys as written.
using ordered_json = nlohmann::ordered_json;

/// Limits for JSON from outside.
struct json_limits {
  std::size_t bytes = 64u << 20;  ///< of text
  int depth = 64;                 ///< nested arrays and objects
  std::size_t values = 5'000'000; ///< scalars, arrays and objects together
};

/// Parses untrusted text within limits; the error names line and column, or
/// the limit. Never throws. Duplicate keys and NUL bytes are errors.
result<json> parse_json(std::string_view text, const json_limits& limits = {});

/// Whether the whole text is JSON; a NUL byte is not. Fast for plain strings,
/// which most outputs are.
bool is_json(std::string_view text);

/// Compact text; invalid UTF-8 becomes U+FFFD. Never throws.
std::string dump(const json& value);
/// The same for a text. Fast for texts with nothing to escape.
std::string quoted(std::string_view text);

/// Whether the bytes are well-formed UTF-8.
bool valid_utf8(std::string_view bytes);

} // namespace conductor
