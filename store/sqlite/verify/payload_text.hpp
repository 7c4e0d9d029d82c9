#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// Reads members out of payloads without parsing them: there may be as many as
/// tasks. Payloads are compact JSON objects; members are looked for outside of
/// strings and nested values.
namespace conductor::sqlite {

/// The text of a JSON value that begins `text`; empty if it does not end.
std::string_view first_value(std::string_view text);

/// The text of a member of an object; empty if there is none.
std::string_view member_text(std::string_view object, std::string_view name);

/// An integer member; nullopt if there is none.
std::optional<std::int64_t> member_number(std::string_view object,
                                          std::string_view name);

} // namespace conductor::sqlite
