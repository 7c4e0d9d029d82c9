#include <conductor/ids.hpp>

namespace conductor {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::uint64_t mask40 = (std::uint64_t{1} << 40) - 1;

void put(std::string& out, std::uint64_t value, int characters) {
  for (int i = characters - 1; i >= 0; --i)
    out += alphabet[value >> (5 * i) & 31];
}

std::optional<std::uint64_t> read(std::string_view text) {
  std::uint64_t value = 0;
  for (auto c : text) {
    const auto upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    const auto digit = alphabet.find(upper);
    if (digit == std::string_view::npos)
      return std::nullopt;
    value = value << 5 | digit;
  }
  return value;
}

} // namespace

std::string to_string(const ulid& id) {
  std::string text;
  text.reserve(26);
  put(text, id.ms, 10);
  put(text, id.high, 8);
  put(text, id.low, 8);
  return text;
}

std::optional<ulid> parse_ulid(std::string_view text) {
  // 10 characters hold 50 bits; the first may not exceed '7'.
  if (text.size() != 26 || text[0] > '7')
    return std::nullopt;
  const auto ms = read(text.substr(0, 10)), high = read(text.substr(10, 8)),
             low = read(text.substr(18, 8));
  if (!ms || !high || !low)
    return std::nullopt;
  return ulid{*ms, *high, *low};
}

std::string id_space::text(id_kind kind, timestamp created,
                           std::int64_t key) const {
  return to_string(ulid{static_cast<std::uint64_t>(to_ms(created)), mark(kind),
                        static_cast<std::uint64_t>(key) & mask40});
}

std::optional<std::int64_t> id_space::key(id_kind kind, const ulid& id) const {
  if (id.high != mark(kind))
    return std::nullopt;
  return static_cast<std::int64_t>(id.low);
}

} // namespace conductor
