#include "actors/handlers/exec/exec_item.hpp"

#include <array>
#include <charconv>
#include <cstdint>

#include "actors/handlers/exec/exec_outcome.hpp"

namespace conductor {

namespace {

constexpr auto bytes_member = "bytes_base64";

std::string text_of(const json& value) {
  if (value.is_string())
    return value.get_ref<const std::string&>();
  if (value.is_object() && value.size() == 1) {
    const auto bytes = value.find(bytes_member);
    if (bytes != value.end() && bytes->is_string())
      return from_base64(bytes->get_ref<const std::string&>());
  }
  return dump(value);
}

/// The folder part as `dirname` prints it.
std::string folder_of(const std::string& path) {
  const auto name_end = path.find_last_not_of('/');
  if (name_end == path.npos)
    return path.empty() ? "." : "/";
  const auto slash = path.rfind('/', name_end);
  if (slash == path.npos)
    return ".";
  const auto end = path.find_last_not_of('/', slash);
  return end == path.npos ? "/" : path.substr(0, end + 1);
}

std::string without_extension(const std::string& path) {
  const auto dot = path.find_last_of("./");
  return dot != path.npos && path[dot] == '.' ? path.substr(0, dot) : path;
}

} // namespace

std::optional<item_spec> parse_item_spec(std::string_view word) {
  constexpr std::string_view prefix = "item:";
  if (!word.starts_with(prefix))
    return std::nullopt;
  word.remove_prefix(prefix.size());
  item_spec spec;
  const auto take = [&](char c) {
    const bool found = word.starts_with(c);
    word.remove_prefix(found ? 1 : 0);
    return found;
  };
  spec.shell = take('q');
  spec.repeated = take('x');
  spec.all = take('*');
  if (!spec.all && !word.empty() && (word[0] == '-' || word[0] > '/')) {
    const auto* end = word.data() + word.size();
    const auto [rest, bad] = std::from_chars(word.data(), end, spec.number);
    if (bad != std::errc{} || spec.number == 0)
      return std::nullopt;
    word.remove_prefix(static_cast<std::size_t>(rest - word.data()));
  }
  spec.part = word;
  constexpr std::array<std::string_view, 5> parts{"", ".", "/", "//", "/."};
  for (const auto part : parts)
    if (word == part)
      return spec;
  return std::nullopt;
}

std::vector<std::string> inputs_of(const json& item) {
  if (!item.is_array())
    return {text_of(item)};
  std::vector<std::string> inputs;
  for (const auto& value : item)
    inputs.push_back(text_of(value));
  return inputs;
}

std::string path_part(const std::string& path, std::string_view part) {
  const auto name = [&] { return path.substr(path.rfind('/') + 1); };
  if (part == ".")
    return without_extension(path);
  if (part == "/")
    return name();
  if (part == "//")
    return folder_of(path);
  if (part == "/.")
    return without_extension(name());
  return path;
}

json item_from_bytes(const std::string& bytes) {
  if (valid_utf8(bytes) && bytes.find('\0') == bytes.npos)
    return bytes;
  return {{bytes_member, to_base64(bytes)}};
}

std::string shell_escaped(const std::string& bytes) {
  if (bytes.empty())
    return "''";
  std::string escaped;
  for (const auto c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    const bool plain
      = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9') || u >= 0x80
        || std::string_view{"_-./:,+@%"}.find(c) != std::string_view::npos;
    if (c == '\n')
      escaped += "'\n'"; // behind a backslash it would vanish
    else if (plain)
      escaped += c;
    else
      escaped.append(1, '\\').append(1, c);
  }
  return escaped;
}

std::string from_base64(std::string_view text) {
  constexpr std::string_view alphabet
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const auto c : text) {
    const auto digit = alphabet.find(c);
    if (digit == std::string_view::npos)
      continue; // padding
    buffer = buffer << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(buffer >> bits & 0xFF);
    }
  }
  return bytes;
}

} // namespace conductor
