#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <conductor/json_text.hpp>

/// The placeholders that `orcon map` makes of GNU parallel's: parts of an item,
/// or of one of the several inputs in it.
namespace conductor {

/// What stands behind the colon of a placeholder such as "{item:q2/.}".
struct item_spec {
  bool shell = false;    ///< "q": escaped for a shell
  bool repeated = false; ///< "x": the word around it comes once for each input
  bool all = false;      ///< "*": every input of the item
  int number = 0;        ///< one input, from 1; negative from the end
  std::string_view part; ///< "", ".", "/", "//" or "/."
};

/// Reads a whole word such as "item:q2/."; nullopt if it is not of that form.
std::optional<item_spec> parse_item_spec(std::string_view word);

/// The inputs in an item: of a list each element, else the item itself. Text
/// as it is, other values as compact JSON.
std::vector<std::string> inputs_of(const json& item);

/// GNU parallel's parts of a path: "." without the extension, "/" the name,
/// "//" the folder, "/." the name without the extension.
std::string path_part(const std::string& path, std::string_view part);

/// As an item is stored: bytes that are not UTF-8, or contain NUL, become
/// {"bytes_base64": "…"}.
json item_from_bytes(const std::string& bytes);

/// As one word of a POSIX shell, whatever the bytes are. Also inside double
/// quotes nothing of it is executed.
std::string shell_escaped(const std::string& bytes);

/// The bytes of a base 64 text; characters without a meaning are skipped.
std::string from_base64(std::string_view text);

} // namespace conductor
