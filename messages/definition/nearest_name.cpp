#include "messages/definition/nearest_name.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace conductor::detail {

namespace {

constexpr std::size_t too_far = 4;
/// The work is quadratic in the length, and nobody mistypes that much.
constexpr std::size_t longest = 64;

/// Removes what both begin and end with: it does not add to their distance.
void remove_common_ends(std::string_view& a, std::string_view& b) {
  const auto [rest, other]
    = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto same = static_cast<std::size_t>(rest - a.begin());
  a.remove_prefix(same);
  b.remove_prefix(same);
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
}

/// How many letters must be changed, added, left out or swapped with their
/// neighbour; `too_far` if that many or more.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  remove_common_ends(a, b);
  const auto shorter = std::min(a.size(), b.size());
  const auto longer = std::max(a.size(), b.size());
  if (longer - shorter >= too_far)
    return too_far;
  // Small numbers, for the rows are copied.
  using row_type = std::array<std::uint8_t, longest + too_far + 1>;
  const auto small = [](std::size_t n) { return static_cast<std::uint8_t>(n); };
  row_type before{}, above{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = small(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = small(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto same = a[i - 1] == b[j - 1];
      row[j] = small(std::min<std::size_t>(
        {above[j - 1] + (same ? 0u : 1u), row[j - 1] + 1u, above[j] + 1u}));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], small(before[j - 2] + 1u));
    }
  }
  return std::min<std::size_t>(row[b.size()], too_far);
}

std::size_t farness(std::string_view written, std::string_view known) {
  const auto contains = [](std::string_view a, std::string_view b) {
    return b.size() >= 4 && a.find(b) != std::string_view::npos;
  };
  const auto distance = edit_distance(written, known);
  const auto allowed = std::max<std::size_t>(1, known.size() / 3);
  if (distance <= std::min<std::size_t>(allowed, too_far - 1))
    return distance;
  return contains(written, known) || contains(known, written) ? too_far - 1
                                                              : too_far;
}

} // namespace

std::string_view nearest_name(std::string_view written,
                              const std::vector<std::string_view>& known) {
  std::string_view nearest;
  auto best = too_far;
  if (written.size() > longest)
    return nearest;
  for (const auto candidate : known)
    if (const auto far = farness(written, candidate); far < best) {
      best = far;
      nearest = candidate;
    }
  return nearest;
}

} // namespace conductor::detail
