#include "messages/definition/nearest_name.hpp"

#include <algorithm>
#include <utility>

namespace conductor::detail {

namespace {

constexpr std::size_t too_far = 4;

/// How many letters must be changed, added, left out or swapped with their
/// neighbour.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto same = a[i - 1] == b[j - 1];
      row[j] = std::min(
        {above[j - 1] + (same ? 0u : 1u), row[j - 1] + 1, above[j] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
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
  // Quadratic in the length, and nobody mistypes that much.
  constexpr std::size_t longest = 64;
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
