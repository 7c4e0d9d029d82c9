#pragma once

#include <string_view>

#include <conductor/event.hpp>

namespace conductor {

/// Whether the whole of `text` matches a pattern of `*`, `?`, `[abc]`, `[a-z]`
/// and `[^abc]`. It compares characters of UTF-8 and is case-sensitive, as GLOB
/// of SQL is.
bool glob_match(std::string_view pattern, std::string_view text);

/// Whether a filter asks for events of a kind: `wanted` is a pattern or the
/// beginning of the kind's name; empty matches every kind.
bool is_named(event_kind kind, std::string_view wanted);

} // namespace conductor
