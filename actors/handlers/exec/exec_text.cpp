#include <cstdint>
#include <cstring>

#include <conductor/stored_json.hpp>

#include "actors/handlers/exec/exec_outcome.hpp"

namespace conductor {

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return "SIG" + (name ? std::string(name) : std::to_string(number));
}

std::string to_utf8(const std::string& bytes) {
  if (valid_utf8(bytes))
    return bytes;
  const auto replaced = parse_stored(dump(json(bytes)));
  return replaced.is_string() ? replaced.get<std::string>() : std::string();
}

std::string to_base64(const std::string& bytes) {
  constexpr char digits[]
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8
              | (i + k < bytes.size() ? static_cast<std::uint8_t>(bytes[i + k])
                                      : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

} // namespace conductor
